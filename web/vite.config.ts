import { defineConfig, loadEnv, type Plugin } from "vite";

/** Nothing but this origin, and pictures that came with a message. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** Only in what is built: the development server puts styles into the page itself. */
const contentSecurityPolicy: Plugin = {
  name: "content-security-policy",
  apply: "build",
  transformIndexHtml: () => [
    {
      tag: "meta",
      attrs: { "http-equiv": "Content-Security-Policy", content: POLICY },
      injectTo: "head-prepend",
    },
  ],
};

export default defineConfig(({ mode }) => {
  const backend = loadEnv(mode, ".", "").BACKEND ?? "http://127.0.0.1:3000";
  return {
    plugins: [contentSecurityPolicy],
    esbuild: { jsx: "automatic" },
    build: {
      target: "es2023",
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      // React and the SDK with its schemas make most of it.
      chunkSizeWarningLimit: 600,
      rollupOptions: {
        onwarn: (warning, warn) => {
          if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning); // "use client" of libraries
        },
      },
    },
    server: {
      host: "127.0.0.1",
      proxy: {
        "/api": {
          target: backend,
          changeOrigin: true,
          // The backend takes requests with a cookie from its own pages only, and here it is this page.
          headers: { origin: backend },
        },
      },
    },
  };
});
