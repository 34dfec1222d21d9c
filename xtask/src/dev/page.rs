//! The chat page at `/`: the files that Vite made of it. Knows how long a browser may keep them,
//! and that a browser that loads the page is signed in with it. Knows nothing about what is in
//! them.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use tower_http::services::ServeDir;

use super::problem::nothing_here;
use crate::tools;

/// Vite puts a hash of the content into these names: another content has another name.
const HASHED: &str = "/assets/";
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// It carries the session cookie and names the assets of this build.
const NEVER: HeaderValue = HeaderValue::from_static("no-store");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

const SECURITY: [(HeaderName, HeaderValue); 2] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("strict-origin-when-cross-origin"),
    ),
];

/// Returns the folder of the built page. Nothing where the page is not `wanted` or cannot be built;
/// then it says why, since the backend is of use without it.
pub(crate) fn prepare(wanted: bool) -> Option<PathBuf> {
    if !wanted {
        return None;
    }
    match tools::page() {
        Ok(folder) => Some(folder),
        Err(error) => {
            eprintln!(
                "\nwarning: {error:#}\nThe backend runs without the page; --no-page leaves it out at once.\n"
            );
            None
        }
    }
}

/// Serves the files in `folder`; the page itself comes with `cookie`.
pub(crate) fn router(folder: &Path, cookie: HeaderValue) -> Router {
    Router::new()
        .fallback_service(ServeDir::new(folder))
        .layer(middleware::from_fn_with_state(cookie, complete))
}

async fn complete(State(cookie): State<HeaderValue>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if response.status() == StatusCode::NOT_FOUND {
        return nothing_here();
    }
    let headers = response.headers_mut();
    headers.extend(SECURITY);
    keep_for(&path, headers);
    if is_page(&path) {
        headers.insert(header::SET_COOKIE, cookie);
    }
    response
}

fn keep_for(path: &str, headers: &mut HeaderMap) {
    let rule = if is_page(path) {
        NEVER
    } else if path.starts_with(HASHED) {
        FOR_EVER
    } else {
        ASK_AGAIN
    };
    headers.insert(header::CACHE_CONTROL, rule);
}

fn is_page(path: &str) -> bool {
    matches!(path, "/" | "/index.html")
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::body::Body;
    use tokio::net::TcpListener;

    use super::*;
    use crate::net::http_client;

    const COOKIE: &str = "better-auth.session_token=x; Path=/; HttpOnly; SameSite=Lax";

    /// A built page in a folder of its own, which goes with it.
    struct Built(PathBuf);

    impl Built {
        fn new() -> Self {
            let folder = std::env::temp_dir().join(format!("xtask-page-{}", std::process::id()));
            std::fs::create_dir_all(folder.join("assets")).unwrap();
            for (file, text) in [
                ("index.html", "<p>hello</p>"),
                ("icon.svg", "<svg/>"),
                ("assets/a-1.js", "run()"),
                ("assets/a-1.css", "p{}"),
            ] {
                std::fs::write(folder.join(file), text).unwrap();
            }
            std::fs::write(folder.with_extension("secret"), "next to the page").unwrap();
            Self(folder)
        }
    }

    impl Drop for Built {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
            std::fs::remove_file(self.0.with_extension("secret")).unwrap();
        }
    }

    #[tokio::test]
    async fn each_file_comes_with_its_type_and_may_be_kept_as_long_as_it_is_valid() {
        let built = Built::new();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = router(&built.0, HeaderValue::from_static(COOKIE));
        tokio::spawn(async { axum::serve(listener, router).await });
        let secret = format!("/..%2f{}.secret", built.0.file_name().unwrap().display());
        let ever = "public, max-age=31536000, immutable";
        for (path, status, kind, kept, cookie) in [
            ("/", 200, "text/html", "no-store", COOKIE),
            ("/index.html", 200, "text/html", "no-store", COOKIE),
            ("/?x=1", 200, "text/html", "no-store", COOKIE),
            ("/assets/a-1.js", 200, "text/javascript", ever, ""),
            ("/assets/a-1.css", 200, "text/css", ever, ""),
            ("/icon.svg", 200, "image/svg+xml", "no-cache", ""),
            ("/assets/gone.js", 404, "application/json", "", ""),
            ("/elsewhere", 404, "application/json", "", ""),
            (&secret, 404, "application/json", "", ""),
        ] {
            let request = Request::get(format!("{url}{path}"))
                .body(Body::empty())
                .unwrap();
            let response = http_client().request(request).await.unwrap();
            let header = |name| {
                response
                    .headers()
                    .get(name)
                    .map_or("", |value| value.to_str().unwrap())
            };
            assert_eq!(response.status().as_u16(), status, "{path}");
            assert!(
                header(header::CONTENT_TYPE).starts_with(kind),
                "{path}: {}",
                header(header::CONTENT_TYPE)
            );
            assert_eq!(header(header::CACHE_CONTROL), kept, "{path}");
            assert_eq!(header(header::SET_COOKIE), cookie, "{path}");
            if status == 200 {
                assert_eq!(header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
                assert_eq!(
                    header(header::REFERRER_POLICY),
                    "strict-origin-when-cross-origin",
                    "{path}"
                );
            }
        }
    }
}
