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
fn valid_snapshot() -> ThreadSnapshot {
    ThreadSnapshot {
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

fn sent() -> Vec<SentMessage> {
    let sent = |message: &str, text: &str, min_text: &str, complete: &str, calls| SentMessage {
        message: message.to_owned(),
        text: text.to_owned(),
        is_acknowledged: true,
        is_loss_reported: false,
        min_text: min_text.to_owned(),
        possible_texts: vec![complete.to_owned()],
        calls,
    };
    vec![
        sent("m1", "Who?", "Half ", "Half an answer.", 1),
        sent("m2", "What?", "Nothing.", "Nothing.", 2),
        sent("m3", "When?", "Now.", "Now.", 1),
        SentMessage {
            is_acknowledged: false,
            ..sent("m4", "Lost on the way?", "", "", 0)
        },
    ]
}

#[test]
fn a_valid_thread_has_no_violations() {
    assert_eq!(
        find_violations(&valid_snapshot(), &sent(), NOW_MS),
        Vec::<String>::new()
    );
}

type Damage = fn(&mut ThreadSnapshot, &mut Vec<SentMessage>);

#[test]
fn each_violation_is_found() {
    let damages: [(&str, Damage, &str); 20] = [
        (
            "no turn",
            |snapshot, _| snapshot.thread["streamId"] = Value::Null,
            "no turn has begun",
        ),
        (
            "no end",
            |snapshot, _| snapshot.thread["doneId"] = json!("s3"),
            "done: false, failed: false",
        ),
        (
            "two ends",
            |snapshot, _| snapshot.thread["failedId"] = json!("s4"),
            "done: true, failed: true",
        ),
        (
            "an older turn",
            |snapshot, _| snapshot.thread["prev"] = json!({"streamId": "s1"}),
            "still marked as open",
        ),
        (
            "a slot in use",
            |snapshot, _| snapshot.days[0]["slots"] = json!(["1000000000001#s1"]),
            "never given back",
        ),
        (
            "a slot of no time",
            |snapshot, _| snapshot.days[0]["slots"] = json!(["s1"]),
            "never given back",
        ),
        (
            "a lost question",
            |snapshot, _| drop(snapshot.messages.remove(5)),
            "m3: it is lost",
        ),
        (
            "a lost question and its answer",
            |snapshot, _| snapshot.messages.truncate(5),
            "m3: it is lost",
        ),
        (
            "a doubled question",
            |snapshot, _| snapshot.messages.push(question(5, "m1", "Who?")),
            "stored 2 times",
        ),
        (
            "another question",
            |snapshot, _| snapshot.messages.push(question(5, "m9", "Why?")),
            "no client sent",
        ),
        (
            "a changed question",
            |snapshot, _| snapshot.messages[0] = question(1, "m1", "Wh"),
            "it says \"Wh\"",
        ),
        (
            "no answer",
            |snapshot, _| drop(snapshot.messages.pop()),
            "m3: it has no answer",
        ),
        (
            "an answer first",
            |snapshot, _| snapshot.messages.insert(0, empty_answer(0)),
            "begins with an answer",
        ),
        (
            "two answers",
            |snapshot, _| {
                snapshot
                    .messages
                    .insert(1, answer(1, "completed", "Half an"));
            },
            "two answers",
        ),
        (
            "too many answers",
            |snapshot, _| snapshot.messages.insert(3, empty_answer(2)),
            "4 turns have 5 answers",
        ),
        (
            "no status",
            |snapshot, _| snapshot.messages[1] = answer(1, "streaming", "Half an"),
            "status \"streaming\"",
        ),
        (
            "lost text",
            |snapshot, _| snapshot.messages[1] = answer(1, "interrupted", "Ha"),
            "3 bytes of its answer are lost",
        ),
        (
            "doubled text",
            |snapshot, _| snapshot.messages[1] = answer(1, "interrupted", "Half Half"),
            "no model call gave",
        ),
        (
            "partial as completed",
            |snapshot, _| snapshot.messages[1] = answer(1, "completed", "Half an"),
            "marked as completed",
        ),
        (
            "paid twice",
            |_, sent| sent[0].calls = 2,
            "asked 2 times for 1 answers",
        ),
    ];
    for (name, damage, expected) in damages {
        let (mut snapshot, mut sent) = (valid_snapshot(), sent());
        damage(&mut snapshot, &mut sent);
        let found = find_violations(&snapshot, &sent, NOW_MS);
        assert!(
            found.iter().any(|violations| violations.contains(expected)),
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
