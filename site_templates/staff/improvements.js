// Improvements: what is done about a low dimension, by whom and by when, and whether it helped.
const ADVANCES = {
  carry_out: {said: ["long", true], wave: ["", true]},
  plan: {cause: ["long", true], plan: ["long", true], owner: ["", true], due: ["date", true], target: ["number", true]},
  note: {said: ["long"]},
  drop: {said: ["long"]}
};
const BEGINNING = {owner: [""], due: ["date"], cause: ["long"], plan: ["long"], target: ["number", true]};
const asked = name => word(`improve.${name}`);
const decimal = value => new Intl.NumberFormat(language, {maximumFractionDigits: 2}).format(value);
const span = wave => `${wave.first} – ${wave.last}`.replaceAll("-", "\u2011");  // no line ends in a day
const about = action => list(action.dimension, action.segment || asked("everybody"));

const openActions = async () => {
  const {action} = route(), wanted = () => route().view === "actions" && route().action === action;
  const place = $("View");
  redraw(place, h("p", {class: "soft"}, word("loading")));
  try {
    const found = await read(action ? `/actions/${encodeURIComponent(action)}` : "/actions?" + query({survey: route().survey}), wanted);
    if (!wanted()) return;
    if (action) drawAction(found);
    else redraw(place, h("h1", {}, word("views.actions")), h("p", {class: "soft"}, asked("what")),
      may("open_action") && suggesting(),
      found.items.length ? h("ol", {class: "cards", "aria-label": word("views.actions")}, found.items.map(actionCard)) : h("p", {class: "soft"}, asked("none")));
    place.scrollTop = 0;
  } catch (error) {
    if (wanted() && error.status !== 401) redraw(place, h("h1", {}, word("views.actions")), h("p", {}, explained(error)));
  }
};

const stage = action => h("p", {class: "tags"},
  tag(word(`stages.${action.state}`), {improved: "closed", reopened: "reopened", carried_out: "mark"}[action.state]),
  action.overdue && tag(word("overdue"), "urgent"),
  action.due && h("span", {class: `due ${action.overdue ? "over" : ""}`}, list(asked("due"), action.due)));
const actionCard = action => h("li", {class: "block"}, stage(action),
  h("h2", {}, h("a", {href: "#" + query({view: "actions", action: action.id})}, about(action))),
  h("p", {class: "soft"}, list(titled(action.survey), span(action.baseline), `${asked("owner")} ${action.owner}`)),
  h("p", {}, action.plan),
  action.judged && judgedLine(action.judged));
const judgedLine = judged => h("p", {class: "judged"}, tag(word(`verdicts.${judged.verdict}`), TONES[judged.verdict]), " ",
  Object.values(judged.tests).map(({before, after}) => `${decimal(before.value)} → ${decimal(after.value)} (n = ${before.n} → ${after.n})`).join(", "));
const TONES = {improved: "closed", worse: "urgent", no_evidence: "high", higher: "closed", lower: "urgent"};

// What the wave after says, rating by rating: before, after, of how many, and the verdict.
const judgedTable = (judged, texts, target) => h("section", {class: "block"},
  h("h2", {id: "H-judged"}, list(asked("next_wave"), span(judged.wave))),
  h("p", {class: "tags"}, tag(word(`verdicts.${judged.verdict}`), TONES[judged.verdict]),
    judged.on_target != null && tag(asked(judged.on_target ? "on_target" : "off_target"), judged.on_target ? "closed" : "high")),
  h("div", {class: "wide", tabindex: 0, role: "region", "aria-labelledby": "H-judged"}, h("table", {class: "tests"},
    h("thead", {}, h("tr", {}, ["rating", "before", "after", "target", "verdict"].map(name => h("th", {scope: "col"}, asked(name))))),
    h("tbody", {}, Object.entries(judged.tests).map(([item, {before, after, verdict}]) => h("tr", {},
      h("th", {scope: "row"}, said(texts[item]) || item),
      [before, after].map(side => h("td", {}, decimal(side.value), h("small", {}, word("n", {n: side.n})))),
      h("td", {}, target == null ? "–" : decimal(target)), h("td", {}, tag(word(`verdicts.${verdict}`), TONES[verdict]))))))));

const drawAction = found => {
  const {action, history} = found;
  const facts = {
    survey: titled(action.survey), baseline: span(action.baseline), owner: action.owner, target: action.target != null && decimal(action.target),
    cause: action.cause, plan: action.plan, wave: action.wave && span(action.wave)
  };
  redraw($("View"),
    h("a", {class: "return", href: "#view=actions"}, asked("back")),
    stage(action), h("h1", {id: "Title", tabindex: -1}, about(action)),
    h("div", {id: "Moves"}),
    h("div", {class: "pair"},
      h("section", {class: "block"}, h("h2", {}, asked("plan")),
        h("dl", {}, Object.entries(facts).filter(([, value]) => value).map(([name, value]) =>
          h("div", {}, h("dt", {}, asked(name)), h("dd", {}, value))))),
      action.judged && judgedTable(action.judged, found.texts, action.target),
      h("section", {class: "block"}, h("h2", {}, word("history")),
        h("ol", {class: "history"}, [...history].reverse().map(step => h("li", {},
          h("p", {}, h("strong", {}, list(asked(`steps.${step.kind}`), step.kind !== "judge" && step.by)), h("time", {}, moment(step.at))),
          step.judged && judgedLine(step.judged),
          ["said", "cause", "plan", "owner", "due"].filter(name => step[name]).map(name =>
            h("span", {class: "said"}, name !== "said" && h("b", {}, asked(name), " "), step[name]))))))));
  drawAdvances(found);
};
const drawAdvances = (found, open) => {
  const {action, moves} = found, legal = Object.keys(ADVANCES).filter(move => moves.includes(move));
  const again = open === "plan" && action.state === "reopened", {owner, target} = action;
  const values = again ? {owner, target} : open === "plan" ? action : {};
  const fields = again ? {...ADVANCES.plan, cause: ["long"], plan: ["long"], due: ["date"]} : ADVANCES[open];
  redraw($("Moves"), h("div", {class: "moves"}, legal.map((move, at) => button(asked(`moves.${move}`),
    () => drawAdvances(found, open === move ? "" : move),
    {id: `I-${move}`, "aria-expanded": String(open === move), class: !at && !open && move !== "note" ? "first" : ""}))),
    open && asking(fields, asked(`moves.${open}`), values, again && asked("another"),
      facts => ask(`/actions/${encodeURIComponent(action.id)}`, {version: action.version, move: open, ...facts}), done => {
        drawAction(done);
        announce(word("done", {move: asked(`moves.${open}`)}));
        $("Title").focus();
      }, () => drawAdvances(found)));
  if (open) $("Form").querySelector("input, textarea").focus();
};

// A form that says what is missing, sends, and keeps what was typed if it was refused.
const asking = (fields, title, values, hint, send, then, leave) => h("form", {id: "Form", "aria-label": title, novalidate: true, onsubmit: async event => {
  event.preventDefault();
  const form = event.target, facts = {};
  for (const [name, [kind, optional]] of Object.entries(fields)) {
    const {value} = form.elements[name];
    if (value.trim()) facts[name] = kind === "number" ? Number(value) : value.trim();
    else if (!optional) {
      $("Wrong").textContent = word("missing", {what: asked(name)});
      return form.elements[name].focus();
    }
  }
  const go = form.querySelector(".first");
  go.disabled = true;
  try {
    then(await send(facts));
  } catch (error) {
    if (error.status !== 401) $("Wrong").textContent = error.lost ? asked("lost") : ["stale", "illegal_move"].includes(error.message) ? asked("stale") : explained(error);
  }
  go.disabled = false;
}},
  hint && h("p", {class: "soft"}, hint),
  Object.entries(fields).map(([name, [kind, optional]]) => {
    const facts = {id: `I-${name}-field`, name, required: !optional, value: undefined}, value = values[name] ?? "";
    return h("p", {class: "f"}, h("label", {for: facts.id}, asked(name), optional && word("optional")), kind === "long"
      ? h("textarea", {...facts, rows: 3, maxlength: 2000}, value)
      : h("input", {...facts, type: kind || "text", step: kind === "number" ? "any" : null, maxlength: kind ? null : 200, autocomplete: "off",
        placeholder: name === "wave" ? "2026-Q4" : null, list: name === "owner" ? "People" : null, value}));
  }),
  h("p", {id: "Wrong", role: "alert"}),
  h("p", {class: "ends"}, h("button", {class: "first"}, title), button(word("cancel"), leave)));

// Where one is due: the low dimensions of a wave, each of which an action may be opened for.
const suggesting = () => {
  const lows = h("div", {id: "Lows", "aria-live": "polite"}), teams = me.role === "lead" ? me.teams : [];
  return h("details", {class: "block", id: "Suggest"}, h("summary", {}, asked("suggest")),
    h("form", {class: "range", onsubmit: async event => {
      event.preventDefault();
      const facts = {survey: $("I-survey").value, wave: $("I-wave").value.trim(), segment: $("I-segment")?.value};
      redraw(lows, h("p", {class: "soft"}, word("loading")));
      try {
        const found = await ask("/actions/suggested?" + query(facts));
        redraw(lows, found.items.length ? h("ul", {class: "lows"}, found.items.map(low => lowOne(low, {...facts, segment: found.segment})))
          : h("p", {class: "soft"}, asked("nothing_low")));
      } catch (error) {
        redraw(lows, h("p", {class: "wrong"}, error.lost ? asked("lost") : explained(error)));
      }
    }},
      h("p", {class: "f"}, h("label", {for: "I-survey"}, word("survey")),
        h("select", {id: "I-survey"}, Object.keys(DATA.surveys).map(id => h("option", {value: id}, titled(id))))),
      h("p", {class: "f"}, h("label", {for: "I-wave"}, asked("wave_low")), h("input", {id: "I-wave", value: lastQuarter(), autocomplete: "off"})),
      teams.length > 1 && h("p", {class: "f"}, h("label", {for: "I-segment"}, word("team")),
        h("select", {id: "I-segment"}, teams.map(team => h("option", {value: `team=${team}`}, team)))),
      h("button", {class: "first"}, word("apply"))), lows);
};
// The last quarter that is over: 2026-Q3.
const lastQuarter = () => {
  const day = new Date(now()), at = day.getFullYear() * 4 + Math.floor(day.getMonth() / 3) - 1;
  return `${Math.floor(at / 4)}-Q${at % 4 + 1}`;
};
const lowOne = (low, facts) => {
  const place = h("div", {}), begin = () => redraw(place, asking(BEGINNING, asked("begin"), {owner: me.sub}, "",
    told => ask("/actions", {...facts, dimension: low.dimension, ...told}), done => go({view: "actions", action: done.action.id}), stop));
  const stop = () => redraw(place, button(asked("begin"), () => { document.getElementById("Form")?.remove(); begin(); $("Form").querySelector("input").focus(); }, {"aria-label": list(asked("begin"), low.dimension)}));
  stop();
  return h("li", {}, h("p", {}, h("strong", {}, low.dimension), " ",
    list(`${decimal(low.mean)} / ${low.most}`, word("n", {n: low.n.toLocaleString(language)}), low.worst && word("improve.worst", {what: `${low.worst.key} ${low.worst.value}`}))), place);
};
