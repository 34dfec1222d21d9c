//! A generator of stream parts as a gateway might send them, sane or not: any type in any order,
//! colliding ids, fields that are missing, `null` or of another type, unpaired surrogates. Equal
//! seeds generate equal parts.

use fastrand::Rng;

/// Raw JSON tokens, since not all of them are text to Rust.
type Tokens = &'static [&'static str];

const IDS: Tokens = &[
    r#""0""#,
    r#""1""#,
    r#""a\"b""#,
    r#""""#,
    r#""😀""#,
    r#""\u0031""#,
    r#""__proto__""#,
];
const DELTAS: Tokens = &[
    r#""""#,
    r#""Hi \n""#,
    r#""\ud83d""#,
    "\"\\ude00\u{2028}\\u0000\"",
    r#""{\"a\":[1,""#,
    r#""2]}""#,
    r#""{\"__proto__\":""#,
    r#""\ufeffdata: x""#,
    r#""[DONE]""#,
    r#""\ud83d\ud83d\ude00""#,
    r#""{\"x\":\"\ud83d\ude00\ud83d\"}""#,
    r#"",\"\\u00e4\":tr""#,
    r#""\\""#,
];
const METADATA: Tokens = &[
    "{}",
    r#"{"a":{}}"#,
    r#"{"a":{"n":null,"b":[1.0,{"c":"\ud800"}],"d":true}}"#,
    r#"{"":{"":-0.0}}"#,
    r#"{"a":{"signature":"c2ln"},"b":{}}"#,
    r#"{"a":{"constructor":{"x":1}}}"#,
    r#"{"a":{"x":123456789012345678901234567890}}"#,
    r#"{"a":{},"a":{"again":1}}"#,
    r#"{"toString":{}}"#,
    r#"{"a":{"x":1e999}}"#,
];
const ODD_METADATA: Tokens = &[
    "null",
    "[]",
    "1",
    r#"{"a":1}"#,
    r#"{"a":null}"#,
    r#"{"a":[1]}"#,
    r#"{"a":{},"b":"x"}"#,
];
const CITATIONS: Tokens = &[
    "[]",
    r#"[{"source":{"type":"source","sourceType":"url","id":"s","url":"https://a.example"},"startIndex":0,"endIndex":4}]"#,
    r#"[{"source":{"type":"source","sourceType":"document","id":"s","mediaType":"a/b","title":"T"},"citedText":"x"}]"#,
];
const ODD_CITATIONS: Tokens = &["null", "1", "{}", r#"[{"type":"url"}]"#];
const FLAGS: Tokens = &["true", "true", "true", "false"];
const ODD_FLAGS: Tokens = &["null", r#""yes""#, "1"];
const VALUES: Tokens = &[
    "null",
    "0",
    "false",
    r#""""#,
    r#""a\nb \ud800""#,
    "{ \"x\" :\n[\"\\ud800\"]}",
    "[]",
    r#"[{"url":"https://a.example"},null,-0.0]"#,
    r#"{"deep":[[[[[[[[[[{}]]]]]]]]]]}"#,
    "12345678901234567890.123",
    r#"{"type":"content","value":[]}"#,
];
const INPUTS: Tokens = &[
    r#""{}""#,
    r#""{\"city\":\"Paris\"}""#,
    r#""""#,
    r#"" ""#,
    r#""not json""#,
    r#""{\"a\":\"\ud83d\"}""#,
    r#""{\"__proto__\":{\"x\":1}}""#,
    r#""{\"constructor\":{\"prototype\":1}}""#,
    r#""{\"\\u005f_proto__\":1}""#,
    r#""null""#,
    r#""[1,2""#,
    r#""1e999""#,
    "\"{\\\"a\\\":\u{2029}1}\"",
];
const NAMES: Tokens = &[r#""search""#, r#""a-b""#, r#""""#, r#""toString""#];
const FILES: Tokens = &[
    r#""AA==""#,
    r#"{"type":"data","data":"iVBORw0KGgo="}"#,
    r#"{"type":"url","url":"https://a.example/b.png"}"#,
    r#"{"type":"url","url":"not a url"}"#,
];
const MEDIA_TYPES: Tokens = &[r#""image/png""#, r#""""#, r#""text/plain;charset=utf-8""#];
const URLS: Tokens = &[
    r#""https://a.example/?b=c#d""#,
    r#""no url""#,
    r#""javascript:alert(1)""#,
    "7",
];
const ODD_TEXTS: Tokens = &["null", "7", "[]"];
const KINDS: Tokens = &[
    r#""anthropic.compaction""#,
    r#""no-dot""#,
    r#""anthropic.message_start""#,
];
const REASONS: Tokens = &[
    r#"{"unified":"stop","raw":"end_turn"}"#,
    r#"{"unified":"tool-calls"}"#,
    r#"{"unified":"content-filter","raw":null}"#,
    r#""length""#,
];
const ODD_REASONS: Tokens = &[
    "null",
    "7",
    r#"{"unified":"interrupted"}"#,
    r#"{"unified":"__proto__"}"#,
    r#""unknown""#,
    "{}",
];
const USAGES: Tokens = &[
    r#"{"inputTokens":{"total":12,"cacheRead":3},"outputTokens":{"total":7}}"#,
    r#"{"inputTokens":1,"outputTokens":2}"#,
];
const ODD_USAGES: Tokens = &["null", "[]", r#"{"inputTokens":"many"}"#];

/// The ways to fill a field.
struct Field {
    name: &'static str,
    tokens: Tokens,
    /// Tokens that no provider should send there, and that the decoder tolerates.
    odd: Tokens,
    required: bool,
}

const fn required(name: &'static str, tokens: Tokens) -> Field {
    Field {
        name,
        tokens,
        odd: &[],
        required: true,
    }
}

const fn optional(name: &'static str, tokens: Tokens, odd: Tokens) -> Field {
    Field {
        name,
        tokens,
        odd,
        required: false,
    }
}

const PROVIDER_METADATA: Field = optional("providerMetadata", METADATA, ODD_METADATA);
const PROVIDER_EXECUTED: Field = optional("providerExecuted", FLAGS, ODD_FLAGS);
const DYNAMIC: Field = optional("dynamic", FLAGS, ODD_FLAGS);

/// Every type of part, and its fields.
const TYPES: &[(&str, &[Field])] = &[
    ("stream-start", &[optional("warnings", &["[]"], &["null"])]),
    (
        "response-metadata",
        &[
            optional("id", IDS, &["null"]),
            optional("modelId", NAMES, &["7"]),
        ],
    ),
    ("ping", &[]),
    ("raw", &[optional("rawValue", VALUES, &[])]),
    ("hologram", &[optional("depth", VALUES, &[])]),
    ("text-start", &[required("id", IDS), PROVIDER_METADATA]),
    (
        "text-delta",
        &[
            required("id", IDS),
            required("delta", DELTAS),
            PROVIDER_METADATA,
        ],
    ),
    (
        "text-end",
        &[
            required("id", IDS),
            PROVIDER_METADATA,
            optional("citations", CITATIONS, ODD_CITATIONS),
        ],
    ),
    ("reasoning-start", &[required("id", IDS), PROVIDER_METADATA]),
    (
        "reasoning-delta",
        &[
            required("id", IDS),
            required("delta", DELTAS),
            PROVIDER_METADATA,
        ],
    ),
    ("reasoning-end", &[required("id", IDS), PROVIDER_METADATA]),
    (
        "source",
        &[
            required(
                "sourceType",
                &[r#""url""#, r#""document""#, r#""video""#, "null"],
            ),
            optional("id", IDS, &["null"]),
            required("url", URLS),
            required("mediaType", MEDIA_TYPES),
            optional("title", DELTAS, ODD_TEXTS),
            optional("filename", NAMES, ODD_TEXTS),
            PROVIDER_METADATA,
        ],
    ),
    (
        "file",
        &[
            required("mediaType", MEDIA_TYPES),
            required("data", FILES),
            PROVIDER_METADATA,
        ],
    ),
    (
        "reasoning-file",
        &[
            required("mediaType", MEDIA_TYPES),
            required("data", FILES),
            PROVIDER_METADATA,
        ],
    ),
    ("custom", &[required("kind", KINDS), PROVIDER_METADATA]),
    (
        "tool-input-start",
        &[
            required("id", IDS),
            required("toolName", NAMES),
            optional("title", NAMES, &["null"]),
            PROVIDER_EXECUTED,
            DYNAMIC,
            PROVIDER_METADATA,
        ],
    ),
    (
        "tool-input-delta",
        &[required("id", IDS), required("delta", DELTAS)],
    ),
    ("tool-input-end", &[required("id", IDS)]),
    (
        "tool-call",
        &[
            required("toolCallId", IDS),
            required("toolName", NAMES),
            required("input", INPUTS),
            PROVIDER_EXECUTED,
            DYNAMIC,
            PROVIDER_METADATA,
        ],
    ),
    (
        "tool-result",
        &[
            required("toolCallId", IDS),
            required("toolName", NAMES),
            optional("result", VALUES, &[]),
            optional("isError", FLAGS, ODD_FLAGS),
            optional("preliminary", FLAGS, ODD_FLAGS),
            DYNAMIC,
            PROVIDER_METADATA,
        ],
    ),
    (
        "tool-approval-request",
        &[
            required("approvalId", NAMES),
            required("toolCallId", IDS),
            PROVIDER_METADATA,
        ],
    ),
    ("error", &[optional("error", VALUES, &[])]),
    (
        "finish",
        &[
            optional("finishReason", REASONS, ODD_REASONS),
            optional("usage", USAGES, ODD_USAGES),
            PROVIDER_METADATA,
        ],
    ),
];

/// The state of the generator of one answer.
pub(super) struct AnswerGenerator {
    rng: Rng,
    /// The number of ids that parts choose from.
    ids: usize,
    /// Blocks and calls that are probably open, so that parts that belong to them come more often
    /// than by chance.
    open: Vec<(&'static str, &'static str)>,
}

/// The parts that follow on others, by the type that opens.
const FOLLOWERS: [(&str, &[&str]); 4] = [
    ("text-start", &["text-delta", "text-delta", "text-end"]),
    (
        "reasoning-start",
        &["reasoning-delta", "reasoning-delta", "reasoning-end"],
    ),
    (
        "tool-input-start",
        &[
            "tool-input-delta",
            "tool-input-delta",
            "tool-input-end",
            "tool-call",
            "tool-result",
        ],
    ),
    ("tool-call", &["tool-result", "tool-approval-request"]),
];

impl AnswerGenerator {
    /// Creates the answer of this seed.
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let ids = rng.usize(1..=IDS.len());
        Self {
            rng,
            ids,
            open: Vec::new(),
        }
    }

    /// Generates up to 40 parts, as events of a stream, each with its blank line.
    pub(super) fn events(&mut self) -> Vec<String> {
        let count = self.rng.usize(0..=40);
        let mut events: Vec<_> = (0..count).map(|_| self.part()).collect();
        if self.rng.u8(..) < 200 {
            events.push(self.fields("finish", None));
        }
        events
            .into_iter()
            .map(|part| format!("data: {part}\n\n"))
            .collect()
    }

    fn part(&mut self) -> String {
        if !self.open.is_empty() && self.rng.u8(..) < 170 {
            let at = self.rng.usize(..self.open.len());
            let (kind, id) = self.open[at];
            let (_, followers) = FOLLOWERS
                .iter()
                .find(|(opens, _)| *opens == kind)
                .expect("only these are noted");
            let follower = followers[self.rng.usize(..followers.len())];
            if matches!(follower, "text-end" | "reasoning-end") {
                self.open.swap_remove(at);
            }
            return self.fields(follower, Some(id));
        }
        let kind = TYPES[self.rng.usize(..TYPES.len())].0;
        let follows = FOLLOWERS[..3]
            .iter()
            .any(|(_, followers)| followers.contains(&kind))
            && kind != "tool-call";
        // Out of order this part ends the answer, so it must not come too often.
        let kind = if follows && self.rng.u8(..) < 245 {
            "ping"
        } else {
            kind
        };
        self.fields(kind, None)
    }

    fn fields(&mut self, kind: &'static str, id: Option<&'static str>) -> String {
        let (_, fields) = TYPES
            .iter()
            .find(|(name, _)| *name == kind)
            .expect("every follower is a type");
        let id = id.unwrap_or_else(|| IDS[self.rng.usize(..self.ids)]);
        if FOLLOWERS.iter().any(|(opens, _)| *opens == kind) {
            self.open.push((kind, id));
        }
        let mut json = format!("{{\"type\":\"{kind}\"");
        for field in *fields {
            let token = match field.name {
                "id" | "toolCallId" => Some(id),
                _ => self.token(field),
            };
            if let Some(token) = token {
                json.push_str(&format!(",\"{}\":{token}", field.name));
            }
        }
        json + "}"
    }

    /// Draws a token for the field. Sometimes a required field is left out, which breaks the answer
    /// off there.
    fn token(&mut self, field: &Field) -> Option<&'static str> {
        let dice = self.rng.u8(..);
        match (field.required, dice) {
            (true, 0) => None,
            (true, _) => Some(field.tokens[self.rng.usize(..field.tokens.len())]),
            (false, 0..100) => None,
            (false, 100..120) if !field.odd.is_empty() => {
                Some(field.odd[self.rng.usize(..field.odd.len())])
            }
            (false, _) => Some(field.tokens[self.rng.usize(..field.tokens.len())]),
        }
    }
}
