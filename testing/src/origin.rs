//! One origin for both functions: which of them answers a path.

/// A function that the origin forwards requests to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upstream {
    /// The function that answers messages.
    Chat,
    /// The function for everything else.
    Threads,
}

/// The path patterns of the CloudFront behaviours that README asks for, in their order.
const BEHAVIOURS: [(&str, Upstream); 2] = [
    ("/api/chat*", Upstream::Chat),
    ("/api/*", Upstream::Threads),
];

impl Upstream {
    /// Returns the function that answers this path; `None` for a path of the page.
    pub fn of_path(path: &str) -> Option<Self> {
        let (_, upstream) = BEHAVIOURS
            .iter()
            .find(|(pattern, _)| path.starts_with(pattern.trim_end_matches('*')))?;
        Some(*upstream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_its_function() {
        let (chat, threads) = (Some(Upstream::Chat), Some(Upstream::Threads));
        for (path, expected) in [
            ("/api/chat", chat),
            ("/api/chat?x=1", chat),
            ("/api/chat/a/stream", chat),
            // The pattern of CloudFront has no boundary before its asterisk.
            ("/api/chats", chat),
            ("/api/chatter", chat),
            ("/api/threads", threads),
            ("/api/threads/chat/messages?limit=1", threads),
            ("/api/other", threads),
            ("/api/", threads),
            ("/api", None),
            ("/", None),
            ("/index.html", None),
            ("/chat", None),
        ] {
            assert_eq!(Upstream::of_path(path), expected, "{path}");
        }
    }

    #[test]
    fn the_patterns_are_those_of_the_deployment() {
        let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
        let readme = std::fs::read_to_string(readme).unwrap();
        let [(first, _), (second, _)] = BEHAVIOURS;
        let asked_for =
            format!("behaviours in this order, with all methods: `{first}` and `{second}`");
        assert!(readme.contains(&asked_for), "{asked_for}");
    }
}
