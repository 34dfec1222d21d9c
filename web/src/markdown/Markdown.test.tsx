import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";
import { Markdown } from "./Markdown";

const html = (text: string) =>
  renderToStaticMarkup(<Markdown text={text} />)
    .replace('<div class="markdown">', "")
    .replace(/<\/div>$/, "");

describe("nothing of an answer becomes HTML or a script", () => {
  const cases: [name: string, text: string, forbidden: RegExp][] = [
    ["script", "<script>alert(1)</script>", /<script/i],
    ["inline handler", 'a <img src=x onerror="alert(1)"> b', /<img/i],
    ["iframe", '<iframe srcdoc="<script>alert(1)</script>"></iframe>', /<iframe/i],
    ["svg", "<svg/onload=alert(1)>", /<svg/i],
    ["javascript link", "[x](javascript:alert(1))", /<a /i],
    ["javascript link with a reference", "[x](&#106;avascript:alert(1))", /<a /i],
    ["javascript link with a tab", "[x](<java\tscript:alert(1)>)", /<a /i],
    ["data link", "[x](data:text/html;base64,PHNjcmlwdD4=)", /<a /i],
    ["reference link", "[x]\n\n[x]: javascript:alert(1)", /<a /i],
    ["autolink", "<javascript:alert(1)>", /<a /i],
    ["address out of its attribute", '[x](https://e.org/"onmouseover="alert(1))', /<a [^>]*"onmouseover/i],
    ["picture", "![x](https://e.org/x.png?secret)", /<img/i],
    ["fence language", '```"><script>alert(1)</script>\nx\n```', /<script/i],
  ];
  test.each(cases)("%s", (_name, text, forbidden) => {
    expect(html(text)).not.toMatch(forbidden);
  });
});

test("links open in a new tab and send no referrer", () => {
  expect(html("[x](https://e.org/?a=1&amp;b=2)")).toBe(
    '<p><a href="https://e.org/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow">x</a></p>',
  );
});

test("a picture is a link", () => {
  expect(html("![cat](https://e.org/cat.png)")).toContain('<a href="https://e.org/cat.png"');
});

test("what people write is what they see", () => {
  expect(html("1 &lt; 2 &amp; **3** `a &lt; b` \\*")).toBe(
    "<p>1 &lt; 2 &amp; <strong>3</strong> <code>a &amp;lt; b</code> *</p>",
  );
  expect(html("- [x] done\n- open")).toContain("<li>open</li>");
  expect(html("3. c\n4. d")).toContain('<ol start="3">');
  expect(html("|a|b|\n|-|-:|\n|1|2|")).toContain('<td class="align-right">2</td>');
});

test("an unknown reference stays as it is written", () => {
  expect(html("&constructor; &toString; &nosuch;")).toBe("<p>&amp;constructor; &amp;toString; &amp;nosuch;</p>");
});

test("a fence that is still open is code already", () => {
  expect(html("```js\nlet a = 1;")).toContain("<code>let a = 1;</code>");
});
