// The queue: as many rows as are in sight, however long it is. What is loaded is kept by page, and
// only pages in sight are asked for again: what changed is marked where it stands, and what is new
// waits behind a button, so that nothing moves under whoever reads.
const LIMIT = 200, AHEAD = 8, QUIET = 1e4, RARELY = 6e4;
const FILTERS = ["survey", "state", "team", "assignee", "priority", "overdue", "mine", "q"];
const STATES = ["new", "assigned", "contacted", "in_progress", "resolved", "verifying", "closed",
  "unreachable", "reopened"];
const PRIORITIES = ["urgent", "high", "normal"];

// What the server leaves out is as it was when it was opened.
const whole = item => ({
  state: "new", priority: "normal", kind: "call", version: 1, reopened: 0, facts: {}, scores: {},
  attempts: [], title: "", ...item
});

const queue = {
  items: [], pages: [], next: null, counts: {}, loading: false, asked: 0, drawn: new Map(),
  picked: new Map(), marks: new Map(), fresh: 0, cursor: null, anchor: 0
};

// What this person may, as far as the server said; it is asked again with each request.
const may = act => !me?.may || me.may.includes(act);

const filtersNow = () => Object.fromEntries(FILTERS.map(name => [name, route()[name] || ""]));
const pagePath = cursor => "/follow-ups?" + query({...filtersNow(), cursor, limit: LIMIT});

const loadQueue = async () => {
  const asked = ++queue.asked, wanted = () => asked === queue.asked;
  Object.assign(queue, {items: [], pages: [], next: null, fresh: 0, loading: false});
  queue.marks.clear();
  $("List").scrollTop = 0;
  await loadMore("", wanted);
};
const loadMore = async (cursor = queue.next, wanted = () => true) => {
  if (queue.loading || cursor === null) return;
  const asked = queue.asked, still = () => wanted() && asked === queue.asked;
  queue.loading = true;
  drawQueue();
  try {
    const page = await read(pagePath(cursor), still);
    if (!still()) return;
    const known = new Set(queue.items.map(item => item.id));
    const items = page.items.map(whole).filter(item => !known.has(item.id));
    queue.pages.push({cursor, from: queue.items.length, ids: items.map(item => item.id)});
    queue.items.push(...items);
    queue.next = page.next ?? null;
    counted(page);
  } catch (error) {
    if (!still()) return;
    queue.next = error.status === 401 ? cursor : null;  // asked again after signing in
    if (error.status !== 401) notice(explained(error));
  } finally {
    if (asked === queue.asked) queue.loading = false;
    drawQueue();
  }
};
const counted = page => {
  if (page.now) skew = page.now - Date.now();
  queue.counts = page.counts || queue.counts;
  drawCounts();
};

// Ask again for the first page and those in sight.
const refresh = async () => {
  const asked = queue.asked, [first, last] = inSight();
  const pages = queue.pages.filter((page, at) =>
    !at || page.from <= last && page.from + page.ids.length > first);
  let changed = 0;
  for (const page of pages) {
    const found = await ask(pagePath(page.cursor));
    if (asked !== queue.asked) return 0;
    counted(found);
    changed += compare(page, found.items.map(whole));
  }
  drawQueue();
  return changed;
};
const compare = (page, items) => {
  const there = new Map(queue.items.map((item, at) => [item.id, at]));
  const found = new Set(items.map(item => item.id)), last = items[items.length - 1];
  const news = items.filter(item => !there.has(item.id)).length;
  let changed = 0;
  for (const item of items) {
    if (queue.marks.get(item.id) === "gone") queue.marks.delete(item.id);
    if (there.has(item.id)) changed += refreshed(item, there.get(item.id));
  }
  // What is not in its page any more has left the list, unless others pushed it down to the next.
  for (const id of page.ids) {
    const item = queue.items[there.get(id)];
    const pushed = items.length >= LIMIT && (item.next_due ?? Infinity) >= (last.next_due ?? Infinity);
    if (found.has(id) || pushed || queue.marks.get(id) === "gone") continue;
    queue.marks.set(id, "gone");
    changed++;
  }
  if (page.cursor === "" && news !== queue.fresh) {
    queue.fresh = news;
    changed++;
  }
  return changed;
};
// An item as it is now, wherever it is shown; whether that is another than was shown.
const refreshed = (item, at = queue.items.findIndex(each => each.id === item.id), own = false) => {
  item = whole(item);
  if (queue.picked.has(item.id)) queue.picked.set(item.id, item);
  if (at < 0 || queue.items[at].version >= item.version) return 0;
  queue.items[at] = item;
  if (!own) queue.marks.set(item.id, "changed");
  return 1;
};

// A page is asked for again soon after something happened, and less often while nothing does.
let pollAt = QUIET, pollTimer;
const poll = async () => {
  clearTimeout(pollTimer);
  if (document.hidden) return;
  if (token && me && !signed && !net.lost) {
    try {
      const changed = (route().view ? 0 : await refresh()) + await refreshDetail();
      pollAt = changed ? QUIET : Math.min(RARELY, pollAt * 1.5);
    } catch (error) {
      pollAt = Math.min(RARELY, pollAt * 2);
      if (error.lost) read("/me").then(() => poll(), () => {});
    }
  }
  clearTimeout(pollTimer);
  pollTimer = setTimeout(poll, pollAt);
};
document.addEventListener("visibilitychange", () => { pollAt = QUIET; poll(); });

const rowHeight = () => parseFloat(getComputedStyle($("List")).getPropertyValue("--row"));
const inSight = () => {
  const list = $("List"), height = rowHeight();
  return [Math.max(0, Math.floor(list.scrollTop / height) - AHEAD),
    Math.min(queue.items.length, Math.ceil((list.scrollTop + list.clientHeight) / height) + AHEAD)];
};

const drawQueue = () => {
  if (!$("Rows")) return;
  const rows = $("Rows"), height = rowHeight(), [first, last] = inSight();
  const wanted = new Set(queue.items.slice(first, last).map(item => item.id));
  for (const [id, row] of queue.drawn) {
    if (wanted.has(id) || row.contains(document.activeElement)) continue;
    row.remove();
    queue.drawn.delete(id);
  }
  rows.style.height = queue.items.length * height + "px";
  let before = null;
  for (let at = last - 1; at >= first; at--) {
    const row = drawnRow(queue.items[at], at);
    row.style.transform = `translateY(${at * height}px)`;
    if (row.nextSibling !== before || !row.parentNode) rows.insertBefore(row, before);
    before = row;
  }
  drawFoot();
  drawBulk();
  tick();
  if (queue.next !== null && !signed && last + LIMIT / 2 > queue.items.length) loadMore();
};
const drawFoot = () => {
  const fresh = $("Fresh"), empty = !queue.items.length;
  fresh.hidden = !queue.fresh;
  fresh.textContent = word("fresh", {n: queue.fresh});
  redraw($("Foot"), queue.loading ? word(empty ? "loading" : "more") : empty && [
    h("h2", {}, word("nothing")), h("p", {}, word("nothing_what"))]);
};

const drawnRow = (item, at) => {
  const open = route().item === item.id, picked = queue.picked.has(item.id);
  const state = [item.version, queue.marks.get(item.id), open, picked, at, queue.items.length, language]
    .join("|");
  const old = queue.drawn.get(item.id);
  if (old?.dataset.state === state) return old;
  const row = drawRow(item, at, open, picked);
  row.dataset.state = state;
  queue.drawn.set(item.id, row);
  if (old?.parentNode) {
    const focused = old.contains(document.activeElement) && document.activeElement.nodeName;
    old.replaceWith(row);
    if (focused) row.querySelector(focused)?.focus({preventScroll: true});
  }
  return row;
};
const drawRow = (item, at, open, picked) => {
  const mark = queue.marks.get(item.id), title = said(item.title);
  return h("li", {
    class: `row ${item.priority} ${open ? "open" : ""} ${mark || ""}`,
    "aria-setsize": queue.next === null ? queue.items.length : -1, "aria-posinset": at + 1
  },
    may("bulk") && h("label", {class: "pick"}, h("input", {
      type: "checkbox", checked: picked, "aria-label": word("pick", {title: list(item.customer_masked, title)}),
      onclick: event => pick(at, event.target.checked, event.shiftKey)
    })),
    h("a", {
      href: "#" + query({...route(), item: item.id}), "data-id": item.id,
      "aria-current": open && "true", onfocus: () => { queue.cursor = item.id; }
    },
      h("span", {class: "one"},
        item.priority !== "normal" && tag(word(`priorities.${item.priority}`), item.priority),
        tag(word(`states.${item.state}`), item.state),
        mark && tag(word(mark), "mark"),
        due(item)),
      h("span", {class: "two"}, item.customer_masked && h("strong", {}, item.customer_masked), title),
      h("span", {class: "three"}, list(
        item.index != null && `${word("index")} ${Math.round(item.index)}`,
        ...new Set([item.assignee || item.assigned_to_team || word("nobody"),
          ...item.comment ? [`“${item.comment}”`] : Object.values(item.facts).slice(0, 3)])))));
};

// What counts down: one timer for all that are in sight.
const due = (item, when = item.next_due) => when
  ? h("time", {class: "due", "data-due": when, datetime: new Date(when).toISOString()}, "") : null;
const tick = () => {
  for (const place of document.querySelectorAll("[data-due]")) {
    const text = countdown(+place.dataset.due);
    if (place.textContent !== text) place.textContent = text;
    place.classList.toggle("over", +place.dataset.due < now());
    place.classList.toggle("soon", +place.dataset.due - now() < 18e5);
  }
  if (net.lost) drawNet();
};

const pick = (at, on, range) => {
  const [from, to] = range ? [Math.min(at, queue.anchor), Math.max(at, queue.anchor)] : [at, at];
  for (const item of queue.items.slice(from, to + 1)) {
    if (on) queue.picked.set(item.id, item);
    else queue.picked.delete(item.id);
  }
  queue.anchor = at;
  drawQueue();
};

// Moving by keys: the row in focus, or the open one, is where one is.
const move = step => {
  const here = queue.items.findIndex(item => item.id === (queue.cursor || route().item));
  const at = Math.max(0, Math.min(queue.items.length - 1, here + step));
  if (!queue.items[at]) return;
  const box = $("List"), height = rowHeight();
  box.scrollTop = Math.max((at + 1) * height - box.clientHeight + height,
    Math.min(box.scrollTop, (at - 1) * height));
  drawQueue();
  queue.drawn.get(queue.items[at].id)?.querySelector("a").focus({preventScroll: true});
};

const choices = (name, codes, group) => h("select", {
  id: `F-${name}`, onchange: event => go({[name]: event.target.value})
}, h("option", {value: ""}, word(name === "state" ? "still_open" : "any")), codes.map(code =>
  h("option", {value: code, selected: route()[name] === code}, group ? word(`${group}.${code}`) : titled(code))));
const typed = (name, facts = {}) => h("input", {
  id: `F-${name}`, value: route()[name] || "", autocomplete: "off", ...facts,
  onchange: event => go({[name]: event.target.value.trim()})
});
const labelled = (name, control) => h("p", {class: "f"}, h("label", {for: `F-${name}`}, word(name)), control);
const switched = name => h("button", {
  type: "button", id: `F-${name}`, class: "switch", "aria-pressed": String(!!route()[name]),
  onclick: () => go({[name]: route()[name] ? "" : "1"})
}, word(name), h("b", {id: `N-${name}`}));

const drawFilters = () => {
  const set = FILTERS.filter(name => route()[name] && !["q", "overdue", "mine"].includes(name));
  const more = $("More")?.open ?? false;
  redraw($("Filters"),
    h("div", {class: "quick"},
      h("input", {id: "F-q", type: "search", placeholder: word("search"), "aria-label": word("search"),
        value: route().q || "", onchange: event => go({q: event.target.value.trim()})}),
      switched("overdue"), switched("mine")),
    h("details", {id: "More", open: more},
      h("summary", {}, word("filters"), set.length > 0 && h("b", {class: "count"}, set.length)),
      h("div", {class: "grid"},
        labelled("survey", choices("survey", Object.keys(DATA.surveys))),
        labelled("state", choices("state", ["all", ...STATES], "states")),
        labelled("priority", choices("priority", PRIORITIES, "priorities")),
        labelled("team", typed("team", {list: "Teams"})),
        labelled("assignee", typed("assignee", {list: "People"})),
        h("p", {class: "f"}, button(word("clear"), () =>
          go(Object.fromEntries(FILTERS.map(name => [name, ""]))))))));
  drawCounts();
};
const drawCounts = () => {
  for (const name of ["overdue", "mine"]) {
    const place = $(`N-${name}`), count = queue.counts[name];
    if (place) place.textContent = count === undefined ? "" : count.toLocaleString(language);
  }
  const open = $("N-open");
  if (open) open.textContent = queue.counts.open === undefined ? "" : queue.counts.open.toLocaleString(language);
};
// Who and which teams are known here, to choose from while typing.
const drawKnown = () => {
  const known = (...names) => [...new Set([...names.flatMap(name =>
    queue.items.slice(0, 1000).map(item => item[name]))].filter(Boolean))].sort();
  const options = values => values.map(value => h("option", {value}));
  $("People").replaceChildren(...options([...new Set([me.sub, ...known("assignee", "agent")])]));
  $("Teams").replaceChildren(...options([...new Set([...me.teams || [], ...known("team", "assigned_to_team")])]));
  $("Causes").replaceChildren(...options(known("cause")));
};
