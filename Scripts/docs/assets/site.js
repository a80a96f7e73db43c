// Search, copy buttons, one format for all tabs, light and dark. Everything can be read without it.
(() => {
  const root = document.body.dataset.root;
  const keep = (name, value) => { try { localStorage.setItem(name, value); } catch { /* not kept */ } };
  const kept = (name) => { try { return localStorage.getItem(name); } catch { return null; } };

  // ---- Light and dark ---------------------------------------------------------------------------------------
  const theme = document.querySelector("button.theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const html = document.documentElement;
    const isDark = html.dataset.theme
      ? html.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    html.dataset.theme = isDark ? "light" : "dark";
    keep("theme", html.dataset.theme);
  });

  // ---- One format everywhere --------------------------------------------------------------------------------
  const choose = (form, except) => {
    for (const input of document.querySelectorAll(`.tabs > input[value="${form}"]`)) {
      if (input !== except) input.checked = true;
    }
  };
  document.addEventListener("change", (event) => {
    if (!event.target.matches(".tabs > input")) return;
    // What is being looked at stays where it is, whatever grows above it.
    const before = event.target.getBoundingClientRect().top;
    choose(event.target.value, event.target);
    scrollBy({ top: event.target.getBoundingClientRect().top - before, behavior: "instant" });
    keep("format", event.target.value);
  });
  const format = kept("format");
  if (/^(json|xml|xurl)$/.test(format ?? "")) choose(format);

  // ---- Copying ----------------------------------------------------------------------------------------------
  for (const block of document.querySelectorAll(".code:not(.routes, .drawing)")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      const text = block.querySelector("code").textContent;
      let isDone = true;
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        const range = document.createRange();
        range.selectNodeContents(block.querySelector("code"));
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        isDone = document.execCommand("copy");
      }
      button.textContent = isDone ? "Copied" : "Press Ctrl-C";
      setTimeout(() => { button.textContent = "Copy"; }, 1600);
    });
    block.append(button);
  }

  // ---- The contents -----------------------------------------------------------------------------------------
  const menu = document.getElementById("menu");
  document.querySelector("nav.side").addEventListener("click", (event) => {
    if (event.target.closest("a")) menu.checked = false;
  });
  const current = document.querySelector("nav.side [aria-current]");
  if (current) {
    const side = document.querySelector("nav.side");
    const offset = current.getBoundingClientRect().top - side.getBoundingClientRect().top;
    if (side.clientHeight > 0 && offset > side.clientHeight - 60) side.scrollTop = offset - side.clientHeight / 3;
  }
  const places = new Map();
  for (const link of document.querySelectorAll('nav.side a[href^="#"]')) {
    const place = document.getElementById(link.hash.slice(1));
    if (place) places.set(place, link);
  }
  if (places.size > 0) {
    const seen = new Set();
    const watch = new IntersectionObserver((entries) => {
      for (const entry of entries) seen[entry.isIntersecting ? "add" : "delete"](entry.target);
      const first = [...places.keys()].find((place) => seen.has(place));
      for (const [place, link] of places) link.classList.toggle("here", place === first);
    }, { rootMargin: "-80px 0px -50% 0px" });
    for (const place of places.keys()) watch.observe(place);
  }

  // ---- Search -----------------------------------------------------------------------------------------------
  const box = document.querySelector(".search");
  const input = box.querySelector("input");
  const list = document.getElementById("found");
  box.hidden = false;
  let index = null;
  let chosen = -1;

  const load = async () => {
    if (index) return;
    index = [];
    const answer = await fetch(`${root}assets/search.json?${document.body.dataset.stamp}`);
    index = (await answer.json()).map(([title, address, kind, text]) => ({
      title, address, kind, text, low: title.toLowerCase(), all: `${title} ${kind} ${text}`.toLowerCase(),
    }));
    show();
  };

  // Every word must be there; where in the title it stands decides the order.
  const rank = (entry, words) => {
    let points = 0;
    for (const word of words) {
      if (!entry.all.includes(word)) return 0;
      const at = entry.low.indexOf(word);
      if (entry.low === word) points += 60;
      else if (at === 0) points += 30;
      else if (at > 0) points += /[a-z0-9]/.test(entry.low[at - 1]) ? 12 : 22;
      else points += 2;
    }
    const weight = { page: 12, object: 9, action: 10, term: 6, table: 5, column: -8, field: 1 }[entry.kind] ?? 0;
    return points + weight - Math.min(entry.title.length / 20, 4);
  };

  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    list.replaceChildren();
    chosen = -1;
    input.removeAttribute("aria-activedescendant");
    if (words.length === 0) return close();
    const found = index.map((entry) => [rank(entry, words), entry]).filter(([points]) => points > 0)
      .sort((one, other) => other[0] - one[0]).slice(0, 12);
    for (const [, entry] of found) {
      const item = document.createElement("li");
      item.role = "option";
      item.id = `found-${list.children.length}`;
      const link = document.createElement("a");
      link.href = root + entry.address;
      link.tabIndex = -1;
      const title = document.createElement("b");
      title.textContent = entry.title;
      const kind = document.createElement("small");
      kind.textContent = entry.kind;
      const text = document.createElement("span");
      text.textContent = entry.text;
      link.append(title, kind, text);
      item.append(link);
      list.append(item);
    }
    if (found.length === 0) {
      const item = document.createElement("li");
      item.className = "none";
      item.textContent = index.length ? "Nothing found" : "One moment";
      list.append(item);
    }
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  };

  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
  };

  const move = (step) => {
    const items = list.querySelectorAll("li[role]");
    if (items.length === 0) return;
    chosen = (chosen + step + items.length) % items.length;
    items.forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
    items[chosen].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", items[chosen].id);
  };

  input.addEventListener("focus", load);
  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      const link = list.querySelectorAll("li[role] a")[Math.max(chosen, 0)];
      if (link) {
        close();
        input.blur();
        location.href = link.href;
      }
    } else if (event.key === "Escape") {
      input.value = "";
      close();
      input.blur();
    }
  });
  document.addEventListener("click", (event) => {
    if (!box.contains(event.target) || event.target.closest("#found a")) close();
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input:not([type=radio]):not([type=checkbox]), textarea, [contenteditable]");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      input.focus();
      input.select();
    }
  });
})();
