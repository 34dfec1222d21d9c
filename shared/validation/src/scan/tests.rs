use super::*;

fn scan(body: &[u8]) -> Result<&str, RequestError> {
    read_text(body, &Limits::default())
}

fn problem(body: &str) -> String {
    scan(body.as_bytes()).unwrap_err().to_string()
}

fn nested(open: &str, close: &str, depth: usize) -> String {
    open.repeat(depth) + "0" + &close.repeat(depth)
}

#[test]
fn depth_is_counted_outside_of_strings_only() {
    for (name, body) in [
        ("32 arrays", nested("[", "]", 32)),
        ("32 objects", nested("{\"a\":", "}", 32)),
        (
            "next to each other",
            format!("[{}]", ["[{}]"; 100].join(",")),
        ),
        ("in a string", format!("\"{}\"", "[".repeat(100))),
        (
            "after an escaped quote",
            format!(r#""\"{}""#, "[".repeat(100)),
        ),
        (
            "after an escaped backslash",
            format!(r#"["\\","{}"]"#, "[".repeat(100)),
        ),
    ] {
        assert_eq!(scan(body.as_bytes()), Ok(body.as_str()), "{name}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    for (name, body) in [
        ("33", nested("[", "]", 33)),
        ("33 objects", nested("{\"a\":", "}", 33)),
        ("100,000", nested("[", "]", 100_000)),
        ("never closed", "[".repeat(100_000)),
        (
            "after a string that ends in a backslash",
            format!(r#"["\\",{}]"#, nested("[", "]", 32)),
        ),
        (
            "after more ends than beginnings",
            format!("]]]]{}", "[".repeat(33)),
        ),
    ] {
        assert_eq!(
            scan(body.as_bytes()),
            Err(RequestError::TooDeep { limit: 32 }),
            "{name}"
        );
    }
}

#[test]
fn invalid_utf8_and_a_byte_order_mark_are_refused() {
    assert_eq!(
        scan(b"{\"a\":\"\xff\"}"),
        Err(RequestError::NotUtf8 { at: 6 })
    );
    assert_eq!(
        scan(b"\"\xed\xa0\x80\""),
        Err(RequestError::NotUtf8 { at: 1 }),
        "a surrogate as UTF-8"
    );
    assert_eq!(
        problem("\u{feff}{}"),
        "request body cannot be read as JSON: it begins with a byte order mark (line 1, column 1)"
    );
}

#[test]
fn a_number_that_readers_would_change_is_refused() {
    for number in [
        "1e400",
        "-1e400",
        "9E+999",
        &"9".repeat(129),
        &format!("0.{}", "1".repeat(100_000)),
    ] {
        assert_eq!(
            scan(format!("[{number}]").as_bytes()).unwrap_err().code(),
            "invalid_json",
            "{number:.20}"
        );
    }
    for number in [
        "0",
        "-0.5e-400",
        "1e308",
        "18446744073709551616",
        &"9".repeat(128),
        "\"1e400\"",
    ] {
        assert!(scan(format!("[{number}]").as_bytes()).is_ok(), "{number}");
    }
}

#[test]
fn the_proto_key_is_refused_at_any_depth() {
    for (name, body) in [
        ("plain", r#"{"__proto__":1}"#),
        ("before a space", "{\"__proto__\" \n:1}"),
        ("escaped", r#"{"\u005f_proto__":1}"#),
        ("deep", r#"{"a":[{"b":{"__proto__":null}}]}"#),
    ] {
        assert_eq!(
            scan(body.as_bytes()).unwrap_err().code(),
            "invalid_request",
            "{name}"
        );
    }
    assert_eq!(
        problem("{\n \"__proto__\":1}"),
        "the key __proto__ is not allowed (line 2, column 2)"
    );
    for (name, body) in [
        ("a value", r#"{"a":"__proto__"}"#),
        ("inside a text", r#"{"a":"\"__proto__\":1"}"#),
        ("a longer key", r#"{"__proto__x":1}"#),
        (
            "keys that are harmless in data",
            r#"{"constructor":{"prototype":1}}"#,
        ),
    ] {
        assert!(scan(body.as_bytes()).is_ok(), "{name}");
    }
}

#[test]
fn half_a_surrogate_pair_is_accepted_in_a_value_but_not_in_a_key() {
    assert!(scan(br#"{"a":"\ud800"}"#).is_ok());
    assert!(scan(br#"{"\ud83d\ude00":1}"#).is_ok());
    assert_eq!(
        scan(br#"{"a\ud800":1}"#).unwrap_err().code(),
        "invalid_json"
    );
}

#[test]
fn a_body_over_the_limit_is_not_read() {
    let limits = Limits {
        max_body_bytes: 4,
        ..Limits::default()
    };
    assert_eq!(
        read_text(b"\xff\xff\xff\xff\xff", &limits),
        Err(RequestError::TooLarge { limit: 4 })
    );
    assert_eq!(read_text(b"1234", &limits), Ok("1234"));
}
