use std::io::Write;

use serde_json::json;

use super::*;

const NOW_MS: u64 = 1_000_000_000_000;

fn parts(text: &str) -> String {
    json!([{"type": "step-start"}, {"type": "text", "text": text}]).to_string()
}

fn question(ms: u64, id: &str, text: &str) -> Value {
    json!({"sk": format!("M#{ms}#0#{id}"), "id": id, "role": "user", "parts": parts(text)})
}

fn answer(ms: u64, status: &str, text: &str) -> Value {
    json!({"sk": format!("M#{ms}#1#a{ms}"), "id": format!("a{ms}"), "role": "assistant", "status": status, "parts": parts(text)})
}

fn empty_answer(ms: u64) -> Value {
    json!({"sk": format!("M#{ms}#1#a{ms}"), "id": format!("a{ms}"), "role": "assistant", "status": "interrupted", "parts": "[]"})
}

/// Returns a thread with a turn that died in the middle of its answer, one that died before its
/// answer and ran again, and one that completed.
fn valid_ledger() -> Ledger {
    Ledger {
        thread: json!({"streamId": "s4", "doneId": "s4", "failedId": "s2", "turns": 4}),
        messages: vec![
            question(1, "m1", "Who?"),
            answer(1, "interrupted", "Half an"),
            question(2, "m2", "What?"),
            empty_answer(2),
            answer(3, "completed", "Nothing."),
            question(4, "m3", "When?"),
            answer(4, "completed", "Now."),
        ],
        days: vec![json!({"req": 4, "slots": ["0999999999999#s1"]})],
    }
}

fn asked() -> Vec<SentMessage> {
    let asked = |message: &str, words: &str, min_text: &str, complete: &str, calls| SentMessage {
        message: message.to_owned(),
        words: words.to_owned(),
        is_acknowledged: true,
        is_loss_reported: false,
        min_text: min_text.to_owned(),
        possible_texts: vec![complete.to_owned()],
        calls,
    };
    vec![
        asked("m1", "Who?", "Half ", "Half an answer.", 1),
        asked("m2", "What?", "Nothing.", "Nothing.", 2),
        asked("m3", "When?", "Now.", "Now.", 1),
        SentMessage {
            is_acknowledged: false,
            ..asked("m4", "Lost on the way?", "", "", 0)
        },
    ]
}

#[test]
fn a_valid_thread_has_no_violations() {
    assert_eq!(
        find_violations(&valid_ledger(), &asked(), NOW_MS),
        Vec::<String>::new()
    );
}

type Damage = fn(&mut Ledger, &mut Vec<SentMessage>);

#[test]
fn each_violation_is_found() {
    let damages: [(&str, Damage, &str); 20] = [
        (
            "no turn",
            |ledger, _| ledger.thread["streamId"] = Value::Null,
            "no turn has begun",
        ),
        (
            "no end",
            |ledger, _| ledger.thread["doneId"] = json!("s3"),
            "done: false, failed: false",
        ),
        (
            "two ends",
            |ledger, _| ledger.thread["failedId"] = json!("s4"),
            "done: true, failed: true",
        ),
        (
            "an older turn",
            |ledger, _| ledger.thread["prev"] = json!({"streamId": "s1"}),
            "still marked as open",
        ),
        (
            "a slot in use",
            |ledger, _| ledger.days[0]["slots"] = json!(["1000000000001#s1"]),
            "never given back",
        ),
        (
            "a slot of no time",
            |ledger, _| ledger.days[0]["slots"] = json!(["s1"]),
            "never given back",
        ),
        (
            "a lost question",
            |ledger, _| drop(ledger.messages.remove(5)),
            "m3: it is lost",
        ),
        (
            "a lost question and its answer",
            |ledger, _| ledger.messages.truncate(5),
            "m3: it is lost",
        ),
        (
            "a doubled question",
            |ledger, _| ledger.messages.push(question(5, "m1", "Who?")),
            "stored 2 times",
        ),
        (
            "another question",
            |ledger, _| ledger.messages.push(question(5, "m9", "Why?")),
            "no client sent",
        ),
        (
            "a changed question",
            |ledger, _| ledger.messages[0] = question(1, "m1", "Wh"),
            "it says \"Wh\"",
        ),
        (
            "no answer",
            |ledger, _| drop(ledger.messages.pop()),
            "m3: it has no answer",
        ),
        (
            "an answer first",
            |ledger, _| ledger.messages.insert(0, empty_answer(0)),
            "begins with an answer",
        ),
        (
            "two answers",
            |ledger, _| ledger.messages.insert(1, answer(1, "completed", "Half an")),
            "two answers",
        ),
        (
            "too many answers",
            |ledger, _| ledger.messages.insert(3, empty_answer(2)),
            "4 turns have 5 answers",
        ),
        (
            "no status",
            |ledger, _| ledger.messages[1] = answer(1, "streaming", "Half an"),
            "status \"streaming\"",
        ),
        (
            "lost text",
            |ledger, _| ledger.messages[1] = answer(1, "interrupted", "Ha"),
            "3 bytes of its answer are lost",
        ),
        (
            "doubled text",
            |ledger, _| ledger.messages[1] = answer(1, "interrupted", "Half Half"),
            "no model call gave",
        ),
        (
            "partial as completed",
            |ledger, _| ledger.messages[1] = answer(1, "completed", "Half an"),
            "marked as completed",
        ),
        (
            "paid twice",
            |_, asked| asked[0].calls = 2,
            "asked 2 times for 1 answers",
        ),
    ];
    for (name, damage, expected) in damages {
        let (mut ledger, mut asked) = (valid_ledger(), asked());
        damage(&mut ledger, &mut asked);
        let found = find_violations(&ledger, &asked, NOW_MS);
        assert!(
            found.iter().any(|wrong| wrong.contains(expected)),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn text_is_read_however_it_is_stored() {
    let text = "marzipan ".repeat(500);
    let mut encoder =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(parts(&text).as_bytes()).unwrap();
    let packed = STANDARD.encode(encoder.finish().unwrap());
    for (name, row) in [
        ("plain", json!({"parts": parts(&text)})),
        (
            "deflated",
            json!({"parts": packed, "len": parts(&text).len()}),
        ),
    ] {
        assert_eq!(text_of_row(&row).unwrap(), text, "{name}");
    }
}
