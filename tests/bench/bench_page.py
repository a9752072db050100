"""The respondent's page in a real browser, as a slow phone has it, against a bare one.

python -m tests.bench.bench_page [RUNS]

360 × 780 at 2×, CPU four times slower, slow 4G (150 ms, 1.6 Mbit/s) by Chromium's own throttles.
Runs are interleaved and medians compared, so what else the machine does meets both alike. The bare
page is ``bare.py``'s; where the shared harness lies beside the checkout, its hand-written page is
measured too.
"""

from __future__ import annotations

import gzip
import re
import statistics
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from chalicelib.survey import Contract
from generator.render import pages
from generator.site import Site
from tests.bench import bare
from tests.chromium import find
from tests.reference import large, reference

VANILLA = Path(__file__).parents[3] / "shared" / "page-bench" / "pages" / "vanilla" / "index.html"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WHOLE, SCRIPT, RATIO, LARGE_MS = 9_000, 3_500, 1.3, 50
STEP = {"service_type": "onsite", "channels": "hotline", "city": "bj", "service_date": "2026-05-17"}

_PROBE = """(() => {
  const probe = window.probe = {taps: [], shift: 0, shown: 0};
  new PerformanceObserver(list => list.getEntries().forEach(entry => {
    if (!entry.hadRecentInput) probe.shift += entry.value;
  })).observe({type: "layout-shift", buffered: true});
  const after = run => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => run(performance.now());
    channel.port2.postMessage(0);
  });
  const seen = element => !!element && element.getClientRects().length > 0;
  probe.centre = element => {
    const box = (element.closest("label") || element).getBoundingClientRect();
    return [box.x + Math.min(box.width / 2, 60), box.y + box.height / 2];
  };
  const look = () => {
    const first = document.querySelector("input[type=radio]");
    if (first && seen(first.closest("label"))) console.log("seen " + probe.centre(first));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  addEventListener("click", event => {
    const input = event.target.closest("label") ? event.target.closest("label").control
      : event.target;
    const tap = {};
    after(now => { tap.done = now; tap.on = input.checked; probe.taps.push(tap); });
  }, true);
  probe.watch = name => addEventListener("click", event => {
    const wait = () => seen(document.getElementsByName(name)[0])
      ? after(now => { probe.shown = now - event.timeStamp; }) : requestAnimationFrame(wait);
    requestAnimationFrame(wait);
  }, {capture: true, once: true});
})();"""
"""A tap is done in the frame after its click; what depends on it is shown in the frame after it
has a box."""


class Visit(NamedTuple):
    tap: float
    """Milliseconds from the navigation's start until a tap on the first question is answered."""
    depend: float
    """Milliseconds from a tap until what depends on it is on screen."""
    shift: float
    requests: list[str]


class Subject(NamedTuple):
    """A page to measure: what is tapped, and what appears."""

    html: bytes
    tap: str
    value: str
    appears: str
    step: bool = True
    """It stands on the second step."""


@contextmanager
def serve(files: dict[str, bytes]) -> Iterator[str]:
    """The pages by name, compressed as a content network would have them."""
    packed = {name: gzip.compress(data, 9) for name, data in files.items()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            data = packed.get(self.path.strip("/"))
            self.send_response(200 if data else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def visit(browser: Browser, url: str, subject: Subject) -> Visit:
    context = browser.new_context(
        viewport={"width": 360, "height": 780},
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
        locale="zh-CN",
    )
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.add_init_script(_PROBE)
    cdp.send("Network.enable")
    cdp.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    cdp.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 150,
            "downloadThroughput": 1.6e6 / 8,
            "uploadThroughput": 0.75e6 / 8,
        },
    )
    with page.expect_console_message(lambda said: said.text.startswith("seen ")) as found:
        page.goto(url, wait_until="commit")
    x, y = map(float, found.value.text[5:].split(","))
    tapped = _tap(page, cdp, x, y)
    page.wait_for_load_state("load")
    page.wait_for_timeout(300)
    if subject.step:
        page.evaluate(_FILL, STEP)
        page.get_by_role("button", name=re.compile("下一[步页]")).click()
    target = page.locator(f"[name='{subject.tap}'][value='{subject.value}']")
    target.evaluate("e => (e.closest('label') || e).scrollIntoView({block: 'center'})")
    page.wait_for_timeout(300)
    page.evaluate("name => probe.watch(name)", subject.appears)
    x, y = target.evaluate("e => probe.centre(e)")
    _tap(page, cdp, x, y)
    page.wait_for_function("() => probe.shown")
    shown, shift = page.evaluate("[probe.shown, probe.shift]")
    context.close()
    return Visit(tapped, shown, shift, requests)


_FILL = """answers => Object.keys(answers).forEach(name => {
  const [first] = document.getElementsByName(name);
  const control = document.querySelector(`[name="${name}"][value="${answers[name]}"]`);
  if (control) { if (!control.checked) control.click(); }
  else {
    first.value = answers[name];
    for (const kind of ["input", "change"]) first.dispatchEvent(new Event(kind, {bubbles: true}));
  }
})"""


def _tap(page: Page, cdp: CDPSession, x: float, y: float) -> float:
    """Tap until a tap sticks, as an impatient thumb does; when it was answered."""
    before = page.evaluate("probe.taps.length")
    for _ in range(20):
        spot = {"x": x, "y": y, "button": "left", "clickCount": 1}
        cdp.send("Input.dispatchMouseEvent", {"type": "mousePressed", **spot})
        cdp.send("Input.dispatchMouseEvent", {"type": "mouseReleased", **spot})
        page.wait_for_function("count => probe.taps.length > count", arg=before)
        taps: list[dict[str, Any]] = page.evaluate("probe.taps")
        if taps[-1]["on"]:
            return float(taps[-1]["done"])
        before = len(taps)
    raise RuntimeError("no tap sticks")


def sizes(html: bytes) -> tuple[int, int]:
    """Bytes of a page and of its script, each compressed by gzip -9."""
    script = b"".join(re.findall(rb"<script>(.*?)</script>", html, re.S))
    return len(gzip.compress(html, 9)), len(gzip.compress(script, 9))


def drawn(contract: Contract, language: str = "") -> bytes:
    return pages(contract, Site())[f"{contract.id}/{language}index.html"]


def verdict(figure: float, most: float) -> str:
    return "" if figure <= most else f"  MISSED: at most {most:,}"


def subjects() -> dict[str, Subject]:
    contract, many = reference(), large()
    names = ("ratings_attitude", "1", "low_reason")
    found = {
        "bare": Subject(bare.page(contract), *names),
        "ours": Subject(drawn(contract), *names),
    }
    if VANILLA.is_file():
        found["vanilla"] = Subject(VANILLA.read_bytes(), "ratings.attitude", "1", "low_reason")
    return found | {"300 questions": Subject(drawn(many), "q0", "1", "q1", step=False)}


def main(runs: int = 15) -> None:
    for language in ("", "en/"):
        whole, script = sizes(drawn(reference(), language))
        print(f"{language or 'zh-CN/'} whole page {whole:,} bytes gzip -9{verdict(whole, WHOLE)}")
        print(
            f"{language or 'zh-CN/'} its script {script:,} bytes gzip -9{verdict(script, SCRIPT)}"
        )
    executable = find()
    if executable is None:
        print("needs Chromium: set CHROMIUM")
        return
    measured = subjects()
    found: dict[str, list[Visit]] = {name: [] for name in measured}
    files = {name.split()[0]: subject.html for name, subject in measured.items()}
    with serve(files) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        for run in range(runs + 1):
            for name, subject in measured.items():
                done = visit(browser, f"{url}/{name.split()[0]}", subject)
                if run:  # the first warms the browser
                    found[name].append(done)
        browser.close()
    middle = {
        name: (
            statistics.median(visit.tap for visit in visits),
            statistics.median(visit.depend for visit in visits),
        )
        for name, visits in found.items()
    }
    for name, (tap, depend) in middle.items():
        whole, script = sizes(measured[name].html)
        shift = max(visit.shift for visit in found[name])
        asked = {request for visit in found[name] for request in visit.requests}
        foreign = [request for request in asked if not request.startswith((url, "data:"))]
        most = max(len([r for r in v.requests if r.startswith("http")]) for v in found[name])
        print(
            f"{name}: {whole:,} bytes, script {script:,}; first tap answered after {tap:.0f} ms, "
            f"dependent question after {depend:.1f} ms; layout shift {shift:.4f}; "
            f"{most} request, {len(foreign)} third-party"
        )
    for other in [name for name in ("bare", "vanilla") if name in middle]:
        for what, ours, theirs in zip(
            ("first tap", "dependent"), middle["ours"], middle[other], strict=True
        ):
            print(f"{what}: {ours / theirs:.2f} × {other}{verdict(ours / theirs, RATIO)}")
    late = middle["300 questions"][1]
    print(f"dependent at 300 questions: {late:.1f} ms{verdict(late, LARGE_MS)}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
