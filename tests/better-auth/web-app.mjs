// The web app that users sign in to: the real better-auth, with its sessions in the chat backend's table. Reads one
// JSON command a line from stdin, answers each with one JSON line on stdout, and ends with stdin. Needs Node 24.
//
// Environment (all but the last line required):
//   DYNAMODB_ENDPOINT   a DynamoDB on loopback, in which the table is
//   TABLE_NAME          the table, keys `pk` and `sk`
//   BETTER_AUTH_SECRET  at least 32 characters
//   BETTER_AUTH_URL     where the app pretends to be; https makes its cookies `__Secure-`
//   AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY   local ones unless set
//
// Commands. `cookieCache` is off (default), compact, jwt, jwe, or jwt-plugin (a jwt signed by the plugin's own key);
// `algorithm` is that of the jwt plugin's key: EdDSA (default), ES256, ES512, RS256 or PS256; `url` and `secret` stand
// in for those of the environment. Whatever differs in one of these is an app of its own, with users of its own; all
// keep their sessions in the one table. With `secondsAgo` a command happens so long before now.
//   {"do":"sign-up", "email":"ann@example.test", "name":"Ann", "cookieCache":"compact", "algorithm":"EdDSA"}
//     -> {"userId":"…", "cookie":"better-auth.session_token=…; better-auth.session_data=…",
//         "bearer":"token.signature", "accessToken":"a.b.c", "jwks":{"keys":[…]}}
//        cookie: the value of a Cookie header; bearer and accessToken: what goes after `Bearer `
//   {"do":"sign-in", "email":"ann@example.test", …}   -> the same, for who has signed up
//   {"do":"get-session", "cookie":"…", …}   -> {"userId":"…"}, or null: what better-auth itself says of the cookie
//   {"do":"sign-out", "cookie":"…", …}      -> {}
//   {"do":"revoke-all", "cookie":"…", …}    -> {}: all sessions of the cookie's user are over
// A command that fails is answered with {"error":"…"}.
import { createInterface } from "node:readline";
import { mock } from "node:test";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { bearer, jwt } from "better-auth/plugins";
import { dynamoDbStorage } from "../../docs/better-auth/dynamodb-storage.ts";

const {
  DYNAMODB_ENDPOINT,
  TABLE_NAME,
  BETTER_AUTH_SECRET,
  BETTER_AUTH_URL,
  AWS_REGION = "us-east-1",
  AWS_ACCESS_KEY_ID = "local",
  AWS_SECRET_ACCESS_KEY = "local",
} = process.env;
for (const name of ["DYNAMODB_ENDPOINT", "TABLE_NAME", "BETTER_AUTH_SECRET", "BETTER_AUTH_URL"]) {
  if (!process.env[name]) throw new Error(`${name} must be set`);
}

const client = new DynamoDBClient({
  endpoint: DYNAMODB_ENDPOINT,
  region: AWS_REGION,
  credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY },
});
const secondaryStorage = dynamoDbStorage(DynamoDBDocument.from(client), TABLE_NAME);
const apps = new Map();

function app({ cookieCache = "off", algorithm = "EdDSA", url = BETTER_AUTH_URL, secret = BETTER_AUTH_SECRET }) {
  const name = [cookieCache, algorithm, url, secret].join(" ");
  if (!apps.has(name)) apps.set(name, newApp(cookieCache, algorithm, url, secret));
  return apps.get(name);
}

function newApp(cookieCache, alg, baseURL, secret) {
  const sessionCookieCache = cookieCache === "jwt-plugin";
  const strategy = sessionCookieCache ? "jwt" : cookieCache;
  return betterAuth({
    baseURL,
    secret,
    database: memoryAdapter({ user: [], account: [], session: [], verification: [], jwks: [] }),
    secondaryStorage,
    emailAndPassword: { enabled: true },
    session: { cookieCache: strategy === "off" ? { enabled: false } : { enabled: true, strategy } },
    plugins: [bearer(), jwt({ jwks: { keyPairConfig: { alg } }, sessionCookieCache })],
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { level: "error" },
  });
}

/** Asks the app as a browser would, over everything but the network. */
async function ask(command, path, { method = "GET", cookie, body } = {}) {
  const { url: baseURL = BETTER_AUTH_URL } = command;
  const headers = new Headers({ origin: new URL(baseURL).origin });
  if (cookie) headers.set("cookie", cookie);
  if (body) headers.set("content-type", "application/json");
  const url = new URL(`/api/auth${path}`, baseURL);
  const answer = await app(command).handler(new Request(url, { method, headers, body: body && JSON.stringify(body) }));
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer;
}

/** What a browser sends back of what it was given: name and value of each cookie that is not being removed. */
function cookieHeader(answer) {
  const given = answer.headers.getSetCookie().filter((cookie) => !/; *max-age=0/i.test(cookie));
  return given.map((cookie) => cookie.split(";")[0]).join("; ");
}

/** Signs a user up or in, and gathers all that the function may be shown of the session. */
async function enter(command, path) {
  const { email, name = email } = command;
  const body = { email, name, password: "correct horse battery" };
  const answer = await ask(command, path, { method: "POST", body });
  const cookie = cookieHeader(answer);
  const [token, jwks] = [await ask(command, "/token", { cookie }), await ask(command, "/jwks")];
  return {
    userId: (await answer.json()).user.id,
    cookie,
    bearer: answer.headers.get("set-auth-token"),
    accessToken: (await token.json()).token,
    jwks: await jwks.json(),
  };
}

const commands = {
  "sign-up": (command) => enter(command, "/sign-up/email"),

  "sign-in": (command) => enter(command, "/sign-in/email"),

  async "get-session"(command) {
    const session = await (await ask(command, "/get-session", command)).json();
    return session && { userId: session.user.id };
  },

  async "sign-out"(command) {
    await ask(command, "/sign-out", { method: "POST", cookie: command.cookie, body: {} });
    return {};
  },

  async "revoke-all"(command) {
    await ask(command, "/revoke-sessions", { method: "POST", cookie: command.cookie, body: {} });
    return {};
  },
};

/** Runs a command with a clock that is late by this much. */
async function earlier(secondsAgo, run) {
  if (!secondsAgo) return run();
  mock.timers.enable({ apis: ["Date"], now: Date.now() - 1000 * secondsAgo });
  return run().finally(() => mock.timers.reset());
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const run = commands[command.do] ?? (() => Promise.reject(new Error(`unknown command ${command.do}`)));
  const answer = await earlier(command.secondsAgo, () => run(command)).catch((error) => ({
    error: String(error.message ?? error),
  }));
  console.log(JSON.stringify(answer));
}
client.destroy();
