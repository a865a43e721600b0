"""Opens the pages of make_report_pages in headless Chromium and checks what only a browser can tell.

usage: browser_test.py MAKE_REPORT_PAGES [--shots FOLDER]
Exit status 77 (skipped) where there is no Chromium; CHROMIUM=/path names one.
"""

import argparse
import base64
import math
import pathlib
import subprocess
import sys
import tempfile

import chromium

WIDTHS = (320, 768, 1440)
PAGES = ("run", "fashion", "hostile", "broken", "empty", "comparison")

# What sticks out of the window, but for boxes that scroll by themselves.
OVERFLOW = """(() => {
  const out = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) out.push(`page is ${root.scrollWidth} wide in ${root.clientWidth}`);
  for (const e of document.querySelectorAll("body *")) {
    if (e.closest(".scroll, pre, .skip") || e.closest("[hidden]")) continue;
    const box = e.getBoundingClientRect();
    if (box.width > 0 && (box.right > root.clientWidth + 1 || box.left < -1))
      out.push(`${e.tagName}.${e.getAttribute("class")} "${e.textContent.slice(0, 40)}" at ${box.left}…${box.right}`);
  }
  return out;
})()"""

# Text of charts that leaves its chart or lies on other text, and text too small to read.
LABELS = """(() => {
  const out = [];
  for (const svg of document.querySelectorAll("svg.chart")) {
    const frame = svg.getBoundingClientRect();
    if (frame.width === 0) continue;
    const scale = frame.width / svg.viewBox.baseVal.width;
    const texts = [...svg.querySelectorAll("text")].map((e) => [e, e.getBoundingClientRect()]);
    for (const [i, [e, a]] of texts.entries()) {
      const where = `"${e.textContent}" of "${svg.querySelector("title").textContent}"`;
      if (a.left < frame.left - 2 || a.right > frame.right + 2 || a.top < frame.top - 2 || a.bottom > frame.bottom + 2)
        out.push(`${where} leaves its chart`);
      if (parseFloat(getComputedStyle(e).fontSize) * scale < 7.5) out.push(`${where} is smaller than 7.5 pixels`);
      for (const [f, b] of texts.slice(i + 1)) {
        const w = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const h = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        const onLine = (t) => t.classList.contains("name");
        if (w > 1 && h > 4 * scale && !onLine(e) && !onLine(f)) out.push(`${where} lies on "${f.textContent}"`);
      }
    }
  }
  return out;
})()"""

UNNAMED = """[...document.querySelectorAll("svg, img, input")].filter((e) => {
  const ids = (e.getAttribute("aria-labelledby") || "").split(" ").filter(Boolean);
  const named = ids.length && ids.every((id) => document.querySelectorAll("#" + id).length === 1);
  return !named && !e.getAttribute("alt") && !(e.labels && e.labels.length);
}).map((e) => e.outerHTML.slice(0, 120))"""


LOGITS = (-2.1, -6.4, 3.2, 6.9, -9.3, -1.8, -14.2, 15.6, -0.4, 5.1)  # of sample_run.hpp


def softmax(logits, temperature):
    powers = [math.exp(z / temperature) for z in logits]
    return [power / sum(powers) for power in powers]


class Checks:
    def __init__(self):
        self.failures = []

    def none(self, what, found):
        if found:
            self.failures.append(f"{what}: " + "\n    ".join(map(str, found[:8])))

    def equal(self, what, got, expected):
        if got != expected:
            self.failures.append(f"{what}: expected {expected!r}, got {got!r}")


def check_page(browser, checks, folder, page, width):
    for dark in (False, True):
        browser.emulate(width, dark=dark)
        browser.open(folder / f"{page}.html")
        place = f"{page}.html, {width} pixels, {'dark' if dark else 'light'}"
        checks.none(f"{place}: something sticks out", browser.evaluate(OVERFLOW))
        checks.none(f"{place}: the browser complains", browser.complaints())
        if not dark:
            checks.none(f"{place}: labels", browser.evaluate(LABELS))
            checks.none(f"{place}: no name for screen readers", browser.evaluate(UNNAMED))
            browser.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
            checks.none(f"{place}: something sticks out with all details open", browser.evaluate(OVERFLOW))


def check_slider(browser, checks, folder):
    browser.emulate(768)
    browser.open(folder / "run.html")
    shown = "document.getElementById('try-out').textContent + ' ' + document.querySelectorAll('.try-p')[7].textContent"
    checks.equal("slider at its start", browser.evaluate(shown), f"1 {softmax(LOGITS, 1)[7]:.4f}")
    for _ in range(200):
        browser.press("Tab", 9)
        if browser.evaluate("document.activeElement.id") == "try-t":
            break
    checks.equal("the slider is reached with the Tab key", browser.evaluate("document.activeElement.id"), "try-t")
    browser.press("ArrowRight", 39)
    checks.equal("slider one step on", browser.evaluate(shown), f"2 {softmax(LOGITS, 2)[7]:.4f}")


def check_hostile(browser, checks, folder):
    browser.open(folder / "hostile.html")
    checks.equal("elements made of names", browser.evaluate("document.querySelectorAll('[onerror], img[src=x]').length"), 0)
    checks.equal("scripts on the page", browser.evaluate("document.scripts.length"), 1)


def check_without_script(browser, checks, folder):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.emulate(768)
    browser.open(folder / "run.html")
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    checks.equal("a slider that cannot move is hidden",
                 browser.evaluate("getComputedStyle(document.getElementById('try')).display"), "none")
    checks.none("without script: the browser complains", browser.complaints())


def take_shots(browser, folder, shots):
    shots.mkdir(parents=True, exist_ok=True)
    for page in PAGES:
        for width in (360, 768, 1440):
            for dark in (False, True):
                browser.emulate(width, dark=dark)
                browser.open(folder / f"{page}.html")
                height = browser.evaluate("Math.ceil(document.documentElement.getBoundingClientRect().height)")
                clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
                picture = browser.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
                name = f"{page}-{width}-{'dark' if dark else 'light'}.png"
                (shots / name).write_bytes(base64.b64decode(picture["data"]))
        browser.call("Emulation.setEmulatedMedia", media="", features=[])
        printed = browser.call("Page.printToPDF", printBackground=False, preferCSSPageSize=False, paperWidth=8.27, paperHeight=11.69)
        (shots / f"{page}.pdf").write_bytes(base64.b64decode(printed["data"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("make_pages")
    parser.add_argument("--shots", type=pathlib.Path, help="also write screenshots and PDFs there")
    arguments = parser.parse_args()
    path = chromium.find()
    if path is None:
        print("SKIPPED: no Chromium here (apt install chromium, or CHROMIUM=/path): nobody has looked at the report")
        return 77
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="tempera-report-") as name, chromium.Chromium(path) as browser:
        folder = pathlib.Path(name)
        subprocess.run([arguments.make_pages, name], check=True)
        for page in PAGES:
            for width in WIDTHS:
                check_page(browser, checks, folder, page, width)
        check_slider(browser, checks, folder)
        check_hostile(browser, checks, folder)
        check_without_script(browser, checks, folder)
        if arguments.shots:
            take_shots(browser, folder, arguments.shots)
    for failure in checks.failures:
        print("FAILED", failure)
    print(f"{len(PAGES)} pages at {len(WIDTHS)} widths, light and dark: {len(checks.failures)} failures")
    return 1 if checks.failures else 0


if __name__ == "__main__":
    sys.exit(main())
