"""Opens pages in headless Chromium and says what is wrong with them.

    browse.py ADDRESS… [--width N]… [--dark] [--no-script] [--pictures FOLDER]

Each page is opened at each width. What the browser complains of (console errors, policy violations, failed
loads), and pages that are wider than the window, are printed, a line each. Chromium is spoken to through a
pipe, in its own DevTools protocol.
"""

import argparse
import base64
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

CHROMIUM = ["chromium", "chromium-browser", "google-chrome"]


class Browser:
    """A Chromium of our own, and one page in it."""

    def __init__(self, has_scripts):
        program = next((path for path in map(shutil.which, CHROMIUM) if path), None)
        if not program:
            sys.exit("browse: there is no chromium")
        self.folder = tempfile.mkdtemp(prefix="billing-browser-")
        to_browser, self.to = os.pipe()
        self.of, from_browser = os.pipe()
        arguments = [
            program, "--headless", "--remote-debugging-pipe", f"--user-data-dir={self.folder}", "--no-first-run",
            "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--no-default-browser-check", "--hide-scrollbars",
            "--ignore-certificate-errors", "--no-sandbox", "--no-proxy-server",
        ]
        # The pipe's ends must be descriptors 3 and 4 there; here these numbers may be anything else.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 100) for end in (to_browser, from_browser)]
        command = f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}'
        self.process = subprocess.Popen(
            ["bash", "-c", command, "bash", *arguments], pass_fds=ends,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        for end in (to_browser, from_browser, *ends):
            os.close(end)
        self.number, self.rest, self.events = 0, b"", []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = None
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        if not has_scripts:
            self.call("Emulation.setScriptExecutionDisabled", value=True)

    def call(self, method, **parameters):
        """Calls a method and waits for its answer; events that come meanwhile are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if getattr(self, "session", None):
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def read(self):
        while b"\0" not in self.rest:
            part = os.read(self.of, 1 << 20)
            if not part:
                raise RuntimeError("the browser has gone")
            self.rest += part
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def await_event(self, name):
        while not any(event.get("method") == name for event in self.events):
            self.events.append(self.read())

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.to)
        os.close(self.of)
        shutil.rmtree(self.folder, ignore_errors=True)

    # What a page does -------------------------------------------------------------------------------------------

    def open(self, address, width):
        """Opens a page and waits until it is loaded."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self.events.clear()
        self.call("Page.navigate", url=address)
        self.await_event("Page.loadEventFired")

    def complaints(self):
        """What the browser has said about the page so far."""
        found = []
        for event in self.events:
            given = event.get("params", {})
            match event.get("method"):
                case "Runtime.exceptionThrown":
                    found.append(f"exception: {given['exceptionDetails'].get('text')}")
                case "Runtime.consoleAPICalled" if given["type"] in ("error", "warning", "assert"):
                    found.append(f"console: {[part.get('value') for part in given['args']]}")
                case "Log.entryAdded" if given["entry"]["level"] in ("error", "warning"):
                    found.append(f"log: {given['entry']['text']}")
                case "Network.loadingFailed" if not given.get("canceled"):
                    found.append(f"not loaded: {given.get('errorText')} {given.get('blockedReason', '')}")
                case "Network.responseReceived" if given["response"]["status"] >= 400:
                    found.append(f"status {given['response']['status']}: {given['response']['url']}")
        return found

    def picture(self, path, whole):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], whole), "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(shot["data"]))


WIDER = """
(() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return null;
  const wide = [...document.body.querySelectorAll("*")].find((one) => one.getBoundingClientRect().right > room + 1);
  return `${document.documentElement.scrollWidth} of ${room}: ${wide ? wide.tagName + "." + wide.className : ""}`;
})()
"""

# What the site's script is there for: `/` goes to the search box, which finds; tabs change together.
USED = """
(async () => {
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true }));
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true }));
  const input = document.querySelector(".search input");
  if (document.activeElement !== input) return "the search box is not reached by /";
  input.value = "customer";
  const start = performance.now();
  while (document.querySelectorAll("#found a").length === 0) {
    if (performance.now() - start > 5000) return "the search finds nothing";
    input.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise((done) => setTimeout(done, 20));
  }
  input.value = "";
  input.dispatchEvent(new Event("input", { bubbles: true }));
  const xml = [...document.querySelectorAll('.tabs > input[value="xml"]')];
  if (xml.length > 0) {
    xml[0].click();
    if (xml.some((one) => !one.checked)) return "the tabs do not change together";
    localStorage.clear();
  }
  const before = getComputedStyle(document.body).color + getComputedStyle(document.documentElement).backgroundColor;
  document.querySelector("button.theme").click();
  const after = getComputedStyle(document.body).color + getComputedStyle(document.documentElement).backgroundColor;
  localStorage.clear();
  if (before === after) return "light and dark look the same";
  const unnamed = [...document.querySelectorAll("a, button, input")]
    .filter((one) => !one.textContent.trim() && !one.getAttribute("aria-label") && !one.labels?.length);
  return unnamed.length > 0 ? `nobody knows what this is for: ${unnamed[0].outerHTML.slice(0, 120)}` : null;
})()
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("addresses", nargs="+")
    parser.add_argument("--width", type=int, action="append")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--no-script", action="store_true")
    parser.add_argument("--pictures", type=pathlib.Path)
    parser.add_argument("--height", type=int, default=2600)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    browser = Browser(not options.no_script)
    try:
        if options.dark:
            browser.call(
                "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        for address in options.addresses:
            for width in options.width or [1440]:
                browser.open(address, width)
                complaints = []
                if not options.no_script:
                    wider = browser.evaluate(WIDER)
                    complaints += [f"wider than the window: {wider}"] if wider else []
                if options.pictures:
                    options.pictures.mkdir(exist_ok=True)
                    name = re.sub(r"[^a-z0-9]+", "-", address.split("/docs/")[-1]).strip("-") or "home"
                    browser.picture(options.pictures / f"{name}-{width}.png", options.height)
                elif not options.no_script:
                    fault = browser.evaluate(USED)
                    complaints += [fault] if fault else []
                for complaint in complaints + browser.complaints():
                    print(f"{address} at {width}: {complaint}")
    finally:
        browser.close()


main()
