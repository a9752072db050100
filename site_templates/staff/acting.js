// What can be done with the open follow-up now: those moves alone that the server named.
const CHANNELS = ["phone", "sms", "email", "wechat", "visit", "other"];
const OUTCOMES = ["reached", "no_answer", "wrong_number", "refused"];
// Each move's fields: what is asked ("" a line, "long" a text, a list to choose from), and whether
// it may be left out.
const MOVES = {
  take: {},
  call: {channel: [CHANNELS], outcome: [OUTCOMES], note: ["long", true]},
  start: {},
  resolve: {cause: [""], remedy: ["long"]},
  reopen: {reason: ["long"]},
  note: {note: ["long"]},
  assign: {to: ["", true], team: ["", true]},
  give_up: {}, close: {}
};
const SURE = ["give_up", "close"];  // asked once more
const FIRST = {
  new: ["take", "assign"], assigned: ["call", "start", "take"], contacted: ["resolve"], in_progress: ["resolve"],
  reopened: ["call", "take", "start"], unreachable: ["close"], resolved: ["close"]
};
const DRAFTS = "echoform-staff-drafts";

let form = null;  // {move, values, error}
let drafts = kept("sessionStorage", DRAFTS) || {};
const keepDraft = () => {
  const {id} = shown.item;
  if (form) drafts[id] = {move: form.move, values: form.values};
  else delete drafts[id];
  keep("sessionStorage", DRAFTS, Object.keys(drafts).length ? drafts : undefined);
};
const restoreForm = () => { form = drafts[shown.item.id] ? {...drafts[shown.item.id]} : null; };

const drawAct = () => {
  const {item, moves} = shown, waits = pendingOn(item.id);
  const first = (FIRST[item.state] || []).find(move => moves.includes(move));
  const legal = Object.keys(MOVES).filter(move => moves.includes(move))
    .sort((a, b) => (b === first) - (a === first));
  const key = [legal, form?.move, waits?.key, language, item.version].join("|");
  if ($("Act").dataset.key !== key) {
    $("Act").dataset.key = key;
    redraw($("Act"),
      h("div", {class: "moves"}, waits ? h("p", {class: "soft", role: "status"}, word("sending")) : legal.map(move =>
        button(word(`moves.${move}`), () => begin(move), {
          id: `M-${move}`, class: move === first && !form ? "first" : "",
          "aria-expanded": asks(move) ? String(form?.move === move) : null
        }))),
      form && drawForm(waits));
  }
  drawError();
};
const asks = move => SURE.includes(move) || Object.keys(MOVES[move]).length > 0;

const begin = (move, values = {}) => {
  if (shown && pendingOn(shown.item.id)) return;
  if (!shown?.moves.includes(move)) return void (shown?.answers && notice(illegal(shown.moves)));
  if (!asks(move)) return send(move, {});
  form = form?.move === move ? form : {move, values};
  keepDraft();
  drawAct();
  $("Form").querySelector("input, select, textarea, button").focus();
};
const endForm = () => {
  const move = form?.move;
  form = null;
  keepDraft();
  drawAct();
  (move && $(`M-${move}`) || $("Title"))?.focus();
};

const drawForm = waits => h("form", {
  id: "Form", "aria-label": word(`moves.${form.move}`), novalidate: true,
  onsubmit: event => {
    event.preventDefault();
    const missing = Object.entries(MOVES[form.move]).find(([name, [, optional]]) =>
      !optional && !form.values[name]?.trim());
    if (!missing) return send(form.move, form.values);
    form.error = [word("missing", {what: word(`fields.${missing[0]}`)})];
    drawError();
    event.target.querySelector(`[name=${missing[0]}]`).focus();
  },
  oninput: event => { form.values[event.target.name] = event.target.value; keepDraft(); },
  onkeydown: event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
  }
},
  SURE.includes(form.move) && h("p", {}, word(`sure.${form.move}`)),
  Object.entries(MOVES[form.move]).map(([name, [kind, optional]]) => drawField(name, kind, optional)),
  h("p", {id: "Wrong", role: "alert"}),
  h("p", {class: "ends"},
    h("button", {class: "first", disabled: !!waits}, word(waits ? "sending" : `moves.${form.move}`)),
    button(word("cancel"), endForm)));
const drawField = (name, kind, optional) => {
  const facts = {id: `A-${name}`, name, required: !optional, maxlength: kind === "long" ? 4000 : 200};
  const value = form.values[name] || "";
  const label = (name === "team" ? word("team") : word(`fields.${name}`)) + (optional && kind === "long" ? word("optional") : "");
  if (Array.isArray(kind)) {
    if (name === "channel") form.values[name] ||= kind[0];
    return h("fieldset", {}, h("legend", {}, label), h("div", {class: "chips"}, kind.map(code => h("label", {},
      h("input", {type: "radio", name, value: code, checked: form.values[name] === code}),
      h("span", {}, word(`${name}s.${code}`))))));
  }
  const lists = {to: "People", team: "Teams", cause: "Causes"};
  return h("p", {class: "f"}, h("label", {for: facts.id}, label), kind === "long"
    ? h("textarea", {...facts, rows: 3}, value)
    : h("input", {...facts, value, autocomplete: "off", list: lists[name]}));
};

const send = async (move, values) => {
  const {item} = shown, fields = Object.keys(MOVES[move]);
  if (pendingOn(item.id)) return;
  if (move === "assign" && !values.to?.trim() && !values.team?.trim()) return $("A-to")?.focus();
  const facts = Object.fromEntries(fields.map(name => [name, values[name]?.trim()]).filter(([, value]) => value));
  const waiting = act({id: item.id, path: `/follow-ups/${item.id}`, body: {version: item.version, move, ...facts}});
  drawAct();
  try {
    const done = await waiting;
    delete drafts[item.id];
    if (shown?.item.id === item.id) {
      form = null;
      keepDraft();
      shown = {...shown, item: whole(done.item), moves: done.moves || []};
    }
    refreshed(done.item, undefined, true);
    announce(word("done", {move: word(`moves.${move}`)}));
    pollAt = QUIET;
    poll();
  } catch (error) {
    if (error.status === 401) return;
    if (shown?.item.id !== item.id) return notice(list(said(item.title), explained(error)));
    if (error.message === "taken" && !asks(move)) {
      letGo(error);
      return poll();
    }
    await refused(move, values, error);
  }
  drawQueue();
  if (shown?.item.id !== item.id) return;
  drawDetail();
  if (!document.activeElement || document.activeElement === document.body) $("Title")?.focus({preventScroll: true});
  reread(item.id);
};

const illegal = moves => word("illegal", {
  legal: moves.filter(move => MOVES[move]).map(move => word(`moves.${move}`)).join(", ") || word("legal_none")});
// What somebody else did meanwhile is shown, and what was typed stays to be sent again.
const refused = async (move, values, error) => {
  const before = shown.item.version;
  form = asks(move) ? {move, values} : null;
  const found = error.status === 409 && await read(`/follow-ups/${shown.item.id}`).catch(() => null);
  if (found) shown = {...found, item: whole(found.item)};
  const problem = error.message === "stale"
    ? [word("stale"), h("ul", {}, shown.history.slice(before).map(event =>
        h("li", {}, list(told(event), ago(event.at), event.note || event.cause || event.reason))))]
    : error.message === "illegal_move" ? [illegal(error.body.legal || shown.moves)]
    : [explained(error), h("ul", {}, (error.body.problems || []).map(each => h("li", {}, said(each.message || each))))];
  if (form) form.error = problem;
  else notice(problem);
  if (form) keepDraft();
};
const drawError = () => { if ($("Wrong")) redraw($("Wrong"), form?.error); };
