use super::*;

fn user(url: &str) -> Result<(), String> {
    check(url, Role::User, &Limits::default())
}

fn assert_refused(name: &str, url: &str, expected: &str) {
    let problem = user(url).expect_err(name);
    assert!(problem.contains(expected), "{name}: {problem}");
}

#[test]
fn only_https_and_data_are_schemes() {
    for url in [
        "http://example.com/a.png",
        "HTTP://example.com/a.png",
        "file:///etc/passwd",
        "ftp://example.com/a",
        "gopher://example.com/a",
        "javascript:alert(1)",
        " javascript:alert(1)",
        "blob:https://example.com/1",
        "wss://example.com/",
        "a.png",
        "/a.png",
        "//example.com/a.png",
        "",
        "é",
        "https:",
        " data:image/png;base64,AA==",
    ] {
        assert_refused(url, url, "must be an https: or data: URL");
    }
}

#[test]
fn public_https_urls_are_accepted() {
    for url in [
        "https://example.com/a.png",
        "HTTPS://EXAMPLE.COM:443/a b.pdf?x=1#y",
        "https://bucket.s3.eu-central-1.amazonaws.com/a?X-Amz-Signature=0f",
        "https://localhost.example.com/ä.png",
    ] {
        assert_eq!(user(url), Ok(()), "{url}");
    }
}

#[test]
fn hosts_that_are_not_public_are_refused() {
    for url in [
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.1.2.3/",
        "https://93.184.215.14/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://a.localhost/",
        "https://printer.local/",
        "https://instance-data.ec2.internal/",
        "https://metadata.google.internal/",
        "https://router.home.arpa/",
        "https://example.com./",
        "https://example..com/",
        "https://exаmple.com/",
        "https://xn--exmple-4nf.com/",
        "https://１２７.０.０.１/",
        "https:\\\\localhost\\",
    ] {
        assert_refused(url, url, "must have a public host name");
    }
}

#[test]
fn credentials_ports_control_characters_and_long_urls_are_refused() {
    let long = |length: usize| format!("https://example.com/{}", "a".repeat(length - 20));
    assert_eq!(user(&long(2048)), Ok(()));
    assert_refused(
        "too long",
        &long(2049),
        "an https: URL of at most 2048 bytes",
    );
    assert_refused("user name", "https://user@example.com/", "user name");
    assert_refused("password", "https://:secret@example.com/", "password");
    assert_refused("port", "https://example.com:8443/", "port");
    assert_refused(
        "line end",
        "https://example.com/\r\nHost: x",
        "control characters",
    );
    assert_refused(
        "tab in the scheme",
        "java\tscript:alert(1)",
        "control characters",
    );
    assert_refused("nul", "https://example.com/\0", "control characters");
}

#[test]
fn data_urls_of_media_types_that_models_read_are_accepted() {
    for url in [
        "data:image/png;base64,iVBORw0KGgo=",
        "DATA:Image/PNG;BASE64,AA==",
        "data:text/plain;charset=utf-8;base64,SGk=",
        "data:text/markdown;base64,",
        "data:text/csv;base64,QUJD",
        "data:application/pdf;base64,JVBERg==",
        "data:application/json;base64,e30=",
        "data:audio/mpeg;base64,AAAA",
        "data:video/mp4;base64,AAAA",
    ] {
        assert_eq!(user(url), Ok(()), "{url}");
    }
}

#[test]
fn harmful_or_malformed_data_urls_are_refused() {
    for (url, expected) in [
        ("data:text/html;base64,PHA+", "must be of type"),
        ("data:TEXT/HTML;base64,PHA+", "must be of type"),
        ("data:image/svg+xml;base64,PHN2Zz4=", "must be of type"),
        (
            "data:application/octet-stream;base64,AAAA",
            "must be of type",
        ),
        ("data:text/javascript;base64,AAAA", "must be of type"),
        ("data:,hello", "must be of the form"),
        ("data:text/plain,hello", "must be of the form"),
        ("data:image/png;base64", "must be of the form"),
        ("data:image/png;base64url,AA==", "must be of the form"),
        ("data:;base64,AA==", "media type"),
        ("data:image;base64,AA==", "media type"),
        ("data:image/;base64,AA==", "media type"),
        ("data:image/p ng;base64,AA==", "media type"),
        ("data:image/png\r\n;base64,AA==", "media type"),
        ("data:image/png;base64,A", "base64"),
        ("data:image/png;base64,AA", "base64"),
        ("data:image/png;base64,AA=", "base64"),
        ("data:image/png;base64,AA==AA==", "base64"),
        ("data:image/png;base64,AA-_", "base64"),
        ("data:image/png;base64,AA%3D%3D", "base64"),
        ("data:image/png;base64,AA==\n", "base64"),
        ("data:image/png;base64,ÄÄÄÄ", "base64"),
    ] {
        assert_refused(url, url, expected);
    }
}

#[test]
fn a_fault_at_the_end_of_a_long_file_is_found() {
    let good = "AAAA".repeat(500_000);
    assert_eq!(user(&format!("data:image/png;base64,{good}")), Ok(()));
    assert_refused(
        "last character",
        &format!("data:image/png;base64,{good}AAA!"),
        "base64",
    );
}

#[test]
fn a_file_of_a_model_may_have_any_media_type() {
    let model = |url: &str| check(url, Role::Assistant, &Limits::default());
    assert_eq!(model("data:application/vnd.ms-excel;base64,AAAA"), Ok(()));
    assert_eq!(model("data:image/svg+xml;base64,AAAA"), Ok(()));
    assert!(model("data:image/png;base64,?").is_err());
    assert!(model("http://example.com/a.png").is_err());
    assert!(model("https://127.0.0.1/a.png").is_err());
}
