// Drives a real browser for the acceptance tests. Reads one JSON command a line and answers each with one JSON line:
// {"done": …}, or {"failed": …} with what the page showed. It finds things as people do, by role and name, and waits for
// them itself; the tests never sleep. Arguments: the browser's path, a folder for pictures, the name of the test.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { stripVTControlCharacters } from "node:util";
import { chromium } from "playwright-core";

const PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 20;
/** More than any page here has things to stop at. */
const MOST_STOPS = 60;
/** It holds articles for landmarks. They are none, and who speaks twice in a conversation is called the same twice. */
const ONE_NAME_EACH = "aria_article_label_unique";
/** IBM's engine, to be run inside the page that it looks at. */
const engine = await readFile(new URL(import.meta.resolve("accessibility-checker-engine")), "utf8");
const [executablePath, pictures, test] = process.argv.slice(2);

const browser = await chromium.launch({
  executablePath,
  timeout: 2 * PATIENCE_MS,
  // Chromium refuses its sandbox to root.
  chromiumSandbox: process.getuid?.() !== 0,
  args: ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
});
const context = await browser.newContext({
  viewport: { width: 1200, height: 800 },
  locale: "en-GB",
  colorScheme: "light",
  reducedMotion: "reduce",
});
context.setDefaultTimeout(PATIENCE_MS);

const tabs = new Map();
/** What a browser says when a page is broken, whatever it looks like. */
const faults = [];

async function tabOf(number) {
  const known = tabs.get(number);
  if (known) return known;
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(error.stack ?? error.message));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) faults.push(message.text());
  });
  tabs.set(number, page);
  return page;
}

/** A place is `{role, name?}`, `{label}` or `{text}`, perhaps `within` another, and `has` texts in it; the last is meant. */
function find(page, place) {
  const root = place.within ? find(page, place.within) : page;
  if (place.text) return root.getByText(place.text, { exact: true }).last();
  if (place.label) return root.getByLabel(place.label).last();
  const name = place.name ? { name: place.name, exact: true } : {};
  return place.has.reduce((found, hasText) => found.filter({ hasText }), root.getByRole(place.role, name)).last();
}

/** Returns the author and the first line of each message. */
const messagesOf = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("article")].map((article) => [
      article.ariaLabel,
      article.innerText.trim().split("\n", 1)[0].trim(),
    ]),
  );

async function until(what, look) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const seen = await look();
    if (seen.isThere) return;
    if (Date.now() > end) throw new Error(`${what}, but there was ${JSON.stringify(seen.instead)}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

const hasFocus = (page, place) => find(page, place).evaluate((element) => element === document.activeElement);

/** Walks from one thing to the next as the keyboard leads. */
async function tabTo(page, place) {
  await find(page, place).waitFor({ state: "attached" });
  for (let stop = 0; stop < MOST_STOPS; stop += 1) {
    await page.keyboard.press("Tab");
    if (await hasFocus(page, place)) return;
  }
  throw new Error(`${MOST_STOPS} times Tab does not lead there`);
}

/** What the engine calls a violation, and where. What it wants a person to look at, it does not know to be one. */
async function audit(page) {
  // Evaluated from outside, it needs no leave of the page's policy.
  await page.evaluate(engine);
  const violations = await page.evaluate(async () => {
    const { results } = await new globalThis.ace.Checker().check(document, ["WCAG_2_2"]);
    // No rule tried is no page without violations.
    if (results.length === 0) throw new Error("the engine looked at nothing");
    const isViolation = ({ value: [policy, outcome] }) => policy === "VIOLATION" && outcome === "FAIL";
    return results.filter(isViolation).map(({ ruleId, message, snippet }) => ({ ruleId, message, snippet }));
  });
  return violations
    .filter(({ ruleId }) => ruleId !== ONE_NAME_EACH)
    .map(({ ruleId, message, snippet }) => `${ruleId}: ${message}: ${snippet}`);
}

const acts = {
  open: (page, { url }) => page.goto(url),
  reload: (page) => page.reload(),
  front: async (page) => {
    await page.bringToFront();
    // Playwright has every tab believe that it has the focus at all times: none ever gets it.
    await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  },
  hover: (page, { place }) => find(page, place).hover(),
  click: (page, { place }) => find(page, place).click(),
  fill: (page, { place, text }) => find(page, place).fill(text),
  choose: (page, { place, option }) => find(page, place).selectOption(option),
  press: (page, { place, key }) => find(page, place).press(key),
  strike: (page, { key }) => page.keyboard.press(key),
  type: (page, { text }) => page.keyboard.type(text),
  focused: (page, { place }) =>
    until(`${JSON.stringify(place)} should have the focus`, async () => ({
      isThere: await hasFocus(page, place),
      instead: await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 200)),
    })),
  "tab to": (page, { place }) => tabTo(page, place),
  attach: (page, { place, file: { name, kind, base64 } }) =>
    find(page, place).setInputFiles({ name, mimeType: kind, buffer: Buffer.from(base64, "base64") }),
  sees: (page, { place }) => find(page, place).waitFor({ state: "visible" }),
  misses: (page, { place }) =>
    until(`${JSON.stringify(place)} should be gone`, async () => {
      const count = await find(page, place).count();
      return { isThere: count === 0, instead: count };
    }),
  reads: (page, { messages }) =>
    until(`the page should show ${JSON.stringify(messages)}`, async () => {
      const shown = await messagesOf(page);
      return { isThere: JSON.stringify(shown) === JSON.stringify(messages), instead: shown };
    }),
  value: (page, { place }) => find(page, place).inputValue(),
  address: (page) => page.url(),
  picture: (page, { name }) => page.screenshot({ path: join(pictures, `${name}.png`) }),
  size: (page, { width, height }) => page.setViewportSize({ width, height }),
  colours: (page, { scheme }) => page.emulateMedia({ colorScheme: scheme }),
  motion: (page, { motion }) => page.emulateMedia({ reducedMotion: motion }),
  moves: (page) => page.evaluate(() => document.getAnimations().some(({ playState }) => playState === "running")),
  audit: (page) => audit(page),
};

async function obey(command) {
  if (command.act === "cookie") return context.addCookies([command.cookie]);
  if (command.act === "forget") return context.clearCookies();
  if (command.act === "faults") return faults;
  return acts[command.act](await tabOf(command.tab), command);
}

/** Describes a failed step: the command, the outline of the page, and the path of the screenshot. */
async function report(command, error) {
  const lines = [`${JSON.stringify(command)}: ${stripVTControlCharacters(error.message)}`];
  const page = tabs.get(command.tab);
  if (page) {
    const path = join(pictures, `${test}-failed.png`);
    const shot = await page.screenshot({ path }).then(() => path, String);
    const outline = await page.locator("body").ariaSnapshot({ timeout: 2000 }).catch(String);
    lines.push(`The page at ${page.url()}, picture ${shot}:`, outline);
  }
  return [...lines, ...faults].join("\n");
}

// A test that failed no longer reads the output.
process.stdout.on("error", () => process.exit(1));

await mkdir(pictures, { recursive: true });
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const answer = await obey(command).then(
    (done) => ({ done: done ?? null }),
    async (error) => ({ failed: await report(command, error) }),
  );
  // Objects that JSON cannot represent, such as the response to a navigation, are not part of the answer.
  if (typeof answer.done === "object" && !Array.isArray(answer.done)) answer.done = null;
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
// The test has closed the input.
await browser.close();
