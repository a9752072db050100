// One follow-up: who to call and why, how long there is, what was said, and what happened so far.
let shown = null;  // {item, answers, history, moves}
let contact = null;  // read on demand, kept for as long as this follow-up is open

const openDetail = async id => {
  if (shown?.item.id === id && shown.answers) return drawDetail();
  shown = contact = null;
  const wanted = () => route().item === id;
  const early = queue.items.find(item => item.id === id);
  if (early) shown = {item: early, answers: null, history: [], moves: []};
  drawDetail();
  queue.marks.delete(id);
  try {
    const found = await read(`/follow-ups/${id}`, wanted);
    if (!wanted()) return;
    show(found);
    $("Title")?.focus({preventScroll: true});
  } catch (error) {
    if (!wanted() || error.status === 401) return;
    shown = null;
    redraw($("Detail"), backLink(), h("p", {class: "empty"}, explained(error)));
  }
};
const show = found => {
  shown = {...found, item: whole(found.item)};
  refreshed(found.item, undefined, true);
  drawDetail();
  drawQueue();
};
const reread = id => read(`/follow-ups/${id}`, () => route().item === id)
  .then(found => { if (shown?.item.id === id) show(found); }, () => {});
// Whether what is open has changed since.
const refreshDetail = async () => {
  const id = shown?.item.id;
  if (!id || !shown.answers || pendingOn(id)) return 0;
  const found = await ask(`/follow-ups/${id}`).catch(error => {
    if (error.message !== "taken") throw error;
    letGo(error);
  });
  if (!found || shown?.item.id !== id || pendingOn(id) || whole(found.item).version <= shown.item.version) return 0;
  show(found);
  announce(list(word("changed"), told(found.history.at(-1))));
  return 1;
};

// It is somebody else's now; what is being typed stays to be copied.
const letGo = error => {
  if (form) {
    shown.answers = null;
    form.error = [explained(error)];
    return drawError();
  }
  shown = null;
  notice(explained(error));
  go({item: ""});
};

const backLink = () => h("a", {class: "back", href: "#" + query({...route(), item: ""})}, word("back"));

const drawDetail = () => {
  const place = $("Detail");
  if (!place) return;  // another view is open
  document.body.classList.toggle("detailed", !!route().item);
  if (!route().item) {
    return redraw(place, h("div", {class: "empty"}, h("h2", {}, word("choose")), h("p", {}, word("choose_what"))));
  }
  if (shown?.item.id !== route().item) return redraw(place, backLink(), h("p", {class: "empty"}, word("loading")));
  const {item} = shown;
  // The form one is typing in stays the very element it is.
  if (place.dataset.id !== item.id || !$("Act")) {
    place.dataset.id = item.id;
    place.scrollTop = 0;
    place.replaceChildren(h("div", {id: "Head"}), h("div", {id: "Act"}), h("div", {id: "Body"}));
    restoreForm();
  }
  redraw($("Head"), backLink(), heading(item));
  drawAct();
  redraw($("Body"),
    h("div", {}, customer(item), verdict(item), comment(item), clocks(item), service(item)),
    h("div", {}, answers(), history_()));
  tick();
};

const heading = item => [
  h("p", {class: "tags"},
    item.priority !== "normal" && tag(word(`priorities.${item.priority}`), item.priority),
    tag(word(`states.${item.state}`), item.state),
    item.kind === "no_contact" && tag(word("kind_no_contact")),
    item.reopened > (item.state === "reopened") && tag(word("reopened", {n: item.reopened}), "reopened"),
    item.escalated && tag(word(`escalated.${item.escalated}`), "urgent"),
    item.outcome && tag(word(`outcome.${item.outcome}`), item.outcome),
    due(item)),
  h("h2", {id: "Title", tabindex: -1}, said(item.title)),
  h("p", {class: "soft"}, list(titled(item.survey),
    item.received_at && word("received", {when: ago(item.received_at)}),
    item.assignee || item.assigned_to_team || word("nobody")))
];

const block = (name, ...inside) => h("section", {class: "block", "aria-labelledby": `H-${name}`},
  h("h3", {id: `H-${name}`}, word(name)), inside);
const pairs = rows => h("dl", {}, rows.filter(([, value]) => value).map(([name, value]) =>
  h("div", {}, h("dt", {}, name), h("dd", {}, value))));

const customer = item => block("customer",
  h("p", {class: "who"}, h("strong", {}, item.customer_masked || word("unknown"))),
  item.kind !== "no_contact" && (contact ? reached() : h("p", {},
    button(word("contact"), showContact, {id: "Contact"}), h("small", {}, word("contact_logged")))));
const LINKS = {phone: ["tel:", /^[+\d][\d ()-]{2,}$/], email: ["mailto:", /^[^\s@?&]+@[^\s@?&]+$/]};
const reached = () => {
  const known = Object.entries(contact).filter(([, value]) => value && typeof value === "string")
    .sort(([a], [b]) => (b in LINKS) - (a in LINKS));
  return known.length ? h("dl", {class: "contact"}, known.map(([name, value]) => {
    const [scheme, pattern] = LINKS[name] || [];
    return h("div", {}, h("dt", {}, word(`contacts.${name}`)), h("dd", {},
      pattern?.test(value) ? h("a", {href: scheme + value.replace(/[ ()]/g, "")}, value) : value,
      button(word("copy"), () => navigator.clipboard?.writeText(value).then(() => announce(word("copied"))),
        {class: "quiet"})));
  })) : h("p", {}, word("contact_none"));
};
const showContact = async event => {
  const {id} = shown.item, asking = event.target;
  asking.disabled = true;
  try {
    const found = await ask(`/follow-ups/${id}/contact`, {});
    if (shown?.item.id !== id) return;
    contact = found;
    drawDetail();
    $("Detail").querySelector(".contact a, .contact button")?.focus();
  } catch (error) {
    asking.disabled = false;
    notice(error.lost ? word("lost_now") : error.status === 404 ? word("contact_none") : explained(error));
  }
};

const clocks = item => block("clocks", pairs([
  ["first_contact_due", "contacted_at"], ["resolve_due", "resolved_at"]
].map(([name, met]) => [word(name), item[name] && (item[met]
  ? list(moment(item[name]), word(item[met] > item[name] ? "met_late" : "met", {when: moment(item[met])}))
  : [moment(item[name]) + " ", item.next_due && due(item, item[name])])])),
  !item.first_contact_due && !item.resolve_due && h("p", {class: "soft"}, word("no_clock")),
  item.attempts.length > 0 && h("p", {class: "soft"}, word("attempts", {
    n: item.attempts.length, k: new Set(item.attempts.map(each => each.channel)).size})));

const comment = item => item.comment && block("comment", h("blockquote", {}, item.comment));

// Low ones first: where an answer stands on its scale, or on the one its number suggests.
const LOW = .4;
const height = (answer, survey) => {
  const scale = DATA.surveys[survey]?.scales[answer.question];
  if (typeof scale === "string") return answer.value === scale ? 0 : 2;
  return scale && typeof answer.value === "number" ? (answer.value - scale[0]) / (scale[1] - scale[0]) : 2;
};
// What the customer said last to whether it helped.
const verdict = item => shown.verification?.length > 0 && block("verification",
  answered(shown.verification, {survey: item.verify_with}));
const answers = () => shown.answers?.length > 0 && block("answers", answered(shown.answers, shown.item));
const wide = text => text.replace(/[^\x00-\xff]/g, "xx").length;  // Chinese letters are twice as wide
const answered = (found, item) => [
  item.index != null && h("p", {class: "soft"}, `${word("index")} ${item.index.toFixed(1)}`),
  h("ul", {class: "answers"}, found.map(answer => [height(answer, item.survey), answer])
    .sort(([a], [b]) => a - b).map(([share, answer]) => {
      const scale = DATA.surveys[item.survey]?.scales[answer.question];
      const value = said(answer.said) || said(answer.value), rated = Array.isArray(scale) && share <= 1;
      return h("li", {class: share <= LOW ? "low" : wide(value) > 24 ? "long" : ""},
        h("span", {}, said(answer.text) || answer.question),
        rated && bar([[share, share <= LOW ? "bad" : ""]]),
        h("strong", {}, value, rated && h("small", {}, `/${scale[1]}`)));
    }))];
// A bar of shares of 1, one over the other.
const bar = shares => svg("svg", {class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true"},
  svg("rect", {width: 100, height: 8, class: "rail"}),
  shares.map(([share, kind]) => svg("rect", {width: Math.max(2, 100 * share), height: 8, class: kind})));

const service = item => Object.keys(item.facts).length > 0 && block("service",
  pairs(Object.entries(item.facts).map(([name, value]) => [word(`facts.${name}`), value])));

// An event in words.
const told = event => {
  const facts = {...event, ...event.data};
  const to = event.kind === "escalate" ? word(`roles.${facts.to}`) : facts.to || facts.team;
  const itself = event.kind === "reopen" && facts.by === "system";
  return word(`events.${itself ? "not_helped" : event.kind}`, {
    by: facts.by, to, reason: word(`reasons.${facts.reason}`), channel: word(`channels.${facts.channel}`), outcome: word(`outcomes.${facts.outcome}`)});
};
const history_ = () => shown.history.length > 0 && block("history", h("ol", {class: "history"},
  [...shown.history].reverse().map(event => {
    const facts = {...event, ...event.data};
    return h("li", {}, h("p", {}, told(event), h("time", {datetime: new Date(event.at).toISOString(), title: moment(event.at)}, ago(event.at))),
      ["cause", "remedy", "reason", "note"].filter(name => facts[name] && facts.by !== "system").map(name =>
        h("p", {class: "said"}, h("b", {}, word(`fields.${name}`)), " ", facts[name])));
  })));
