// Lines of a stream. Node's own reader also ends a line at U+2028, which may stand in JSON as it is.
export async function* linesOf(input) {
  let rest = "";
  for await (const text of input.setEncoding("utf8")) {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    yield* lines;
  }
}
