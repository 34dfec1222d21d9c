//! Reads what `cargo test` prints.

use std::io::{BufRead, BufReader, Read, Write};

use anyhow::Result;

/// Sums over all test binaries of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) ignored: u32,
}

/// Copies every line to `shown` and sums up the result lines.
///
/// # Errors
/// Reading or writing fails.
pub(crate) fn read(output: impl Read, shown: &mut impl Write) -> Result<Counts> {
    let mut output = BufReader::new(output);
    let mut sum = Counts::default();
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line)? > 0 {
        shown.write_all(&line)?;
        if let Some(counts) = result_line(&String::from_utf8_lossy(&line)) {
            sum.passed += counts.passed;
            sum.failed += counts.failed;
            sum.ignored += counts.ignored;
        }
        line.clear();
    }
    Ok(sum)
}

/// Reads `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in
/// 0.01s`.
fn result_line(line: &str) -> Option<Counts> {
    let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |word: &str| {
        let field = numbers
            .split("; ")
            .find_map(|field| field.trim().strip_suffix(word));
        field.and_then(|field| field.trim().parse().ok())
    };
    Some(Counts {
        passed: number("passed")?,
        failed: number("failed")?,
        ignored: number("ignored")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_summed_and_everything_is_shown() {
        let output = "\
running 2 tests
test a ... ok
test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s

test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1.20s
a test may print: test result: ok. 9 passed; 9 failed; 9 ignored; 9 measured
test result: gibberish
";
        let mut shown = Vec::new();
        let counts = read(output.as_bytes(), &mut shown).unwrap();
        assert_eq!(
            counts,
            Counts {
                passed: 8,
                failed: 2,
                ignored: 1
            }
        );
        assert_eq!(String::from_utf8(shown).unwrap(), output);
    }
}
