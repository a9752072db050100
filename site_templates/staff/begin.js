// The page begins: where we are stands in the address after #, which no server ever sees.
const route = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
// Opening something is a step that Back undoes; filtering is not.
const go = changes => {
  const hash = "#" + query({...route(), ...changes});
  if ("item" in changes || "view" in changes) location.hash = hash;
  else {
    history.replaceState(null, "", hash === "#" ? location.pathname : hash);
    arrive();
  }
};

let passing;
const notice = (text, passes) => {
  clearTimeout(passing);
  if (passes) passing = setTimeout(() => { $("Notice").hidden = true; }, 8e3);
  redraw($("Notice"), h("div", {}, text), button("×", () => { $("Notice").hidden = true; }, {"aria-label": word("close_help")}));
  $("Notice").hidden = false;
};

const signOut = why => {
  signed = DATA.words[language].sign[why] ? why : "no_token";
  setToken("");
  drawSign();
  awake();
};
const drawSign = () => {
  const place = $("Sign");
  document.body.classList.toggle("signed", !!signed);
  if (!signed) return place.close();
  redraw(place,
    h("h2", {}, word("sign_in")), h("p", {role: "alert"}, word(`sign.${signed}`)),
    h("p", {class: "soft"}, word("sign_how")),
    h("form", {onsubmit: event => {
      event.preventDefault();
      const found = /(?:token=)?([\w-]+\.[\w-]+\.[\w-]+)\s*$/.exec($("S-token").value);
      if (!found) return void ($("S-wrong").textContent = word("sign_bad"));
      setToken(found[1]);
      enter();
    }},
      h("p", {class: "f"}, h("label", {for: "S-token"}, word("sign_field")),
        h("input", {id: "S-token", autocomplete: "off", spellcheck: "false", "aria-describedby": "S-wrong"})),
      h("p", {id: "S-wrong", role: "alert"}),
      h("p", {class: "ends"}, h("button", {class: "first"}, word("sign_go")))));
  if (!place.open) place.showModal();
};

const drawHelp = () => redraw($("Help"),
  h("h2", {}, word("help")),
  h("dl", {class: "keys"}, Object.entries(DATA.words[language].keys).map(([key, what]) =>
    h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)))),
  h("label", {class: "on"}, h("input", {type: "checkbox", id: "KeysOn", checked: keysOn(),
    onchange: event => keep("localStorage", KEYS_ON, event.target.checked)}), " ", word("keys_on")),
  h("p", {class: "ends"}, button(word("close_help"), () => $("Help").close())));

const drawTop = () => {
  const {view = ""} = route();
  document.documentElement.lang = language;
  document.title = word("title");
  redraw($("Top"),
    h("strong", {class: "brand"}, said(DATA.brand) || word("title")),
    h("nav", {"aria-label": word("pages")}, ["", "team", "feedback", "actions"].filter(name => !name || may(name)).map(name =>
      h("a", {href: "#" + query({view: name}), "aria-current": view === name && "page"},
        word(`views.${name || "queue"}`), !name && h("b", {id: "N-open"})))),
    h("span", {class: "me"}, me && list(me.sub, word(`roles.${me.role}`))),
    button(word("switch"), () => {
      language = language === "en" ? "zh-CN" : "en";
      keep("localStorage", LANGUAGE, language);
      if (view) arrive();
      else drawAll();
    }, {id: "Language", lang: language === "en" ? "zh-CN" : "en"}),
    button("?", openHelp, {id: "Keys", "aria-label": word("help")}));
};
const openHelp = () => {
  drawHelp();
  $("Help").showModal();
};

let laid = "";
const drawAll = () => {
  const {view = ""} = route();
  drawTop();
  if (laid !== view + language || !$("Known")) {
    laid = view + language;
    queue.drawn.clear();
    redraw($("Main"), view ? h("div", {id: "View"}) : [
      h("h1", {class: "v"}, word("views.queue")),
      h("section", {id: "Queue", "aria-label": word("views.queue")},
        h("form", {id: "Filters", role: "search", onsubmit: event => event.preventDefault()}),
        button("", () => loadQueue(), {id: "Fresh", hidden: true}),
        h("div", {id: "List", onscroll: scrolled}, h("ol", {id: "Rows", "aria-label": word("list")}), h("div", {id: "Foot"})),
        h("div", {id: "Bulk", hidden: true})),
      h("section", {id: "Detail", "aria-label": word("detail")})],
      h("div", {id: "Known", hidden: true}, ["People", "Teams", "Causes"].map(id => h("datalist", {id}))));
  }
  if (!view) {
    drawFilters();
    drawQueue();
    drawDetail();
  }
  if (me) drawKnown();
  drawNet();
  if (signed) drawSign();
};
let framed;
const scrolled = () => { framed ||= requestAnimationFrame(() => { framed = 0; drawQueue(); }); };

let filtered = null;
const arrive = () => {
  const {view = "", item} = route();
  document.body.classList.toggle("detailed", !view && !!item);
  drawAll();
  if (!me) return;
  if (view === "team") return openTeam();
  if (view === "feedback") return openFeedback();
  if (view === "actions") return openActions();
  const filters = query(filtersNow());
  if (filtered !== filters) {
    filtered = filters;
    loadQueue().then(drawKnown);
  }
  if (item) return openDetail(item);
  if (shown) queue.cursor = shown.item.id;
  shown = contact = null;
  drawDetail();
  if (!document.activeElement || document.activeElement === document.body) {
    queue.drawn.get(queue.cursor)?.querySelector("a").focus({preventScroll: true});
  }
};

// Who we are; from there on everything is asked in this person's name.
const enter = async () => {
  signed = "";
  drawSign();
  if (!token) return signOut("no_token");
  try {
    const found = await read("/me", () => !signed);
    const other = me && me.sub !== found.sub;
    me = found;
    if (!kept("localStorage", LANGUAGE) && DATA.words[me.language]) language = me.language;
    if (other) {
      filtered = shown = contact = form = null;
      keep("sessionStorage", DRAFTS, drafts = {});
    }
    disown();
    arrive();
    pump();
    poll();
  } catch (error) {
    if (error.status && error.status !== 401) notice(explained(error));
  }
};

// Who speaks to the computer turns single letters off.
const KEYS_ON = "echoform-staff-keys", keysOn = () => kept("localStorage", KEYS_ON) !== false;
const KEYS = {
  j: () => move(1), k: () => move(-1), x: () => {
    if (!may("bulk")) return;
    const at = queue.items.findIndex(item => item.id === queue.cursor);
    if (at >= 0) pick(at, !queue.picked.has(queue.cursor));
  },
  t: () => onCursor("take"), c: () => onCursor("call"), r: () => onCursor("resolve"), n: () => onCursor("note"),
  "/": () => $("F-q")?.focus(), "?": openHelp
};
// On the open follow-up, or on the row one is at, which is opened first.
const onCursor = async action => {
  const id = document.activeElement?.dataset?.id || route().item;
  if (!id) return;
  if (route().item !== id || !shown?.answers) {
    history.pushState(null, "", "#" + query({...route(), item: id}));
    drawAll();
    await openDetail(id);
  }
  if (shown?.item.id === id) begin(action);
};
document.addEventListener("keydown", event => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.nodeName) && event.target.type !== "checkbox" && event.target.type !== "radio";
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    if (form && $("Form")) endForm();
    else if (typing) event.target.blur();
    else if (route().item) go({item: ""});
    return;
  }
  if (typing || route().view || !Object.hasOwn(KEYS, event.key) || !keysOn()) return;
  event.preventDefault();
  KEYS[event.key]();
});

window.addEventListener("hashchange", () => takeToken() ? enter() : arrive());
window.addEventListener("online", awake);
window.addEventListener("resize", scrolled);
setInterval(tick, 1e3);
takeToken();
document.body.append(h("div", {id: "Notice", role: "alert", hidden: true}), h("dialog", {id: "Sign", oncancel: event => event.preventDefault()}));
drawAll();
enter();
