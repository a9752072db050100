// The page's script: steps, what is shown, problems, the draft, and sending exactly once. What is
// visible and valid is decided by conditions.js, which stands before this text in one function;
// begin.js, which stands last, starts it.
const $ = id => document.getElementById(id);
const all = selector => Array.from(document.querySelectorAll(selector));
const [fields, words] = JSON.parse($("Data").textContent);
const form = $("Form"), panel = $("Panel"), next = $("Next"), live = $("Live"), title = document.title;
const action = form.getAttribute("action"), DAY = 864e5;
let [, link] = location.search.match(/^\?([\dA-Z-]{4,64})(&|$)/i) || [];
try {  // the code left the address bar, and this is a reload
  link = link || performance.navigation.type && sessionStorage[action] || undefined;
} catch (error) {}

// What is kept on the phone. Where nothing can be kept, memory has to do.
const draftKey = action + "?" + (link || ""), frozenKey = draftKey + "!", memory = {};
let kept = true;
const save = (key, value) => {
  memory[key] = value;
  try {
    if (value) localStorage.setItem(key, JSON.stringify(value));
    else localStorage.removeItem(key);
  } catch (error) {
    kept = false;
  }
};
const load = (key, days) => {
  let value = memory[key];
  try {
    value = value || JSON.parse(localStorage.getItem(key));
  } catch (error) {}
  return value && Date.now() - value.at < days * DAY ? value : null;
};

// Controls by field id, taken as they are: a tap before this line is an answer like any other. No
// form.elements: a question may be called "elements".
const controls = bare(), boxes = bare(), home = bare();
const sections = all("section");
const picked = control => /radio|box/.test(control.type);
all("form [name]").forEach(control => {
  (controls[control.name] = controls[control.name] || []).push(control);
});
const texts = id => controls[id]
  .filter(control => picked(control) ? control.checked : control.value || control.validity.badInput)
  .map(control => control.value || "?");
const label = id => boxes[id] ? boxes[id].querySelector(".t").textContent + " — " : "";

let reading, section, steps, frozen, busy, timer;
const after = [];  // what a part of the page does whenever answers have changed

// Read the controls, and show what is asked. A choice that is not offered any more is not chosen.
const update = () => {
  let lost, appeared = "";
  do {
    const raw = bare();
    lost = false;
    fields.forEach(([id, rule]) => {
      if (rule) raw[id] = coerce(rule, texts(id));
    });
    reading = read(fields, raw);
    const shown = new Set(reading.shown);
    fields.forEach(([id]) => {
      const hidden = !shown.has(id), box = boxes[id];
      if (!box || box.hidden === hidden) return;
      box.hidden = hidden;
      (controls[id] || []).forEach(control => { control.disabled = hidden; });
      if (!hidden) appeared += label(id);
    });
    Object.keys(reading.choices).forEach(id => controls[id].forEach(control => {
      Array.from(control.options || [control]).forEach(item => {
        const gone = !!item.value && reading.choices[id].indexOf(item.value) < 0;
        item.disabled = gone;
        (control.options ? item : item.parentNode).hidden = gone;
        if (gone && (item.checked || item.selected)) {
          item.checked = item.selected = false;
          lost = true;
        }
      });
    }));
  } while (lost);
  if (appeared) live.textContent = words.appeared + appeared;
  const asked = new Set(reading.shown.map(id => home[id]));
  steps = sections.filter(step => asked.has(step));
  section = section || steps[0];
  const at = steps.indexOf(section);
  sections.forEach(step => { step.hidden = step !== section; });
  $("Back").hidden = at < 1;
  next.textContent = busy ? words.sending : at < steps.length - 1 ? words.next : words.submit;
  $("Step").textContent = steps.length > 1
    ? words.step.replace("{n}", at + 1).replace("{of}", steps.length) : "";
  $("Bar").style.transform = `scaleX(${(at + 1) / steps.length})`;
  after.forEach(act => act());
};

const changed = () => {
  update();
  const answers = {};
  fields.forEach(([id, rule]) => {
    if (rule && boxes[id] && !controls[id].some(control => "p" in control.dataset))
      answers[id] = texts(id);
  });
  save(draftKey, {at: Date.now(), answers});
};

const turn = to => {
  section = to;
  update();
  section.focus();
  scrollTo(0, 0);
};

// Problems ([id, words]): all of them in a summary that takes the focus, each beside its question.
const complain = (problems, heading) => {
  const said = bare(), list = $("Problems");
  list.textContent = "";
  problems.forEach(([id, text]) => {
    const item = list.appendChild(document.createElement("li"));
    const anchor = item.appendChild(document.createElement("a"));
    said[id] = text;
    anchor.textContent = label(id) + text;
    if (!home[id]) return;
    anchor.href = `#${id}-Q`;
    anchor.addEventListener("click", event => {
      event.preventDefault();
      if (section !== home[id]) turn(home[id]);
      controls[id].filter(control => !control.disabled)[0].focus();
    });
  });
  fields.forEach(([id, rule]) => {
    if (!rule || !boxes[id]) return;
    $(id + "-E").textContent = said[id] || "";
    boxes[id].classList[said[id] ? "add" : "remove"]("bad");
  });
  const wrong = problems.length || heading, summary = $("Summary");
  summary.hidden = !wrong;
  summary.firstElementChild.textContent = heading || words.problems;
  document.title = (wrong ? words.error : "") + title;
  if (wrong) summary.focus();
};

// The form gives way to one message: waiting, sent, or ended.
const tell = (heading, text, kind) => {
  const first = panel.hidden || $("Heading").textContent !== heading;
  form.setAttribute("hidden", "");
  panel.hidden = false;
  panel.className = "p " + kind;
  $("Heading").textContent = heading;
  $("Words").textContent = text;
  $("Retry").hidden = kind !== "wait";
  document.title = heading + " — " + title;
  if (first) {
    panel.focus();
    scrollTo(0, 0);
  }
};

const wait = why => tell(words.saved, why + (kept ? words.reopen : words.stay), "wait");

// https://github.com/ulid/spec: 48 bits of time, 80 random bits.
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ulid = time =>
  ("00" + time.toString(32)).slice(-10).replace(/./g, digit => letters[parseInt(digit, 32)])
  + Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => letters[byte % 32]).join("");

const freeze = (submission, time, again) => {
  submission.id = ulid(time);
  frozen = {at: Date.now(), tries: 0, again, body: JSON.stringify(submission)};
};

// Send the frozen bytes, and again the same bytes until somebody who knows us has answered.
const send = () => {
  clearTimeout(timer);
  if (busy || !frozen) return;
  busy = true;
  frozen.tries++;
  save(frozenKey, frozen);
  live.textContent = next.textContent = words.sending;
  const request = new XMLHttpRequest();
  request.open("POST", action);
  request.timeout = 3e4;
  request.responseType = "json";
  request.setRequestHeader("Content-Type", "application/json");
  request.onloadend = () => {
    busy = false;
    settle(request);
  };
  request.send(frozen.body);
};

const settle = request => {
  const status = request.status, reply = request.response;
  if (status === 201 || status === 200 && reply) {
    save(draftKey);
    save(frozenKey);
    frozen = null;
    tell(words.sent, words.thanks, "sent");
  } else if (!reply || !reply.error || status === 429 || status >= 500) {
    if (Date.now() - frozen.at < 6 * DAY)
      timer = setTimeout(send, (1 << Math.min(frozen.tries, 6)) * (500 + Math.random() * 1e3));
    wait(status ? words.crowded : words.offline);
  } else {
    refused(reply, frozen, Date.parse(request.getResponseHeader("Date")));
  }
};

// Refused: nothing was stored under this id.
const refused = (reply, {body, tries, again}, time) => {
  save(frozenKey);
  frozen = null;
  if (reply.error === "clock" && tries < 2 && !again && time) {
    freeze(JSON.parse(body), time, true);
    send();
  } else if (reply.error === "stale_version") {
    location.reload();
  } else if (/^(already_answered|gone|not_found)$/.test(reply.error)) {
    save(draftKey);
    tell(words.ended, reply.message, "");
  } else {
    const problems = (reply.problems || []).map(problem => [problem.question, problem.message]);
    panel.hidden = true;
    form.removeAttribute("hidden");
    update();
    if (problems.length && home[problems[0][0]]) turn(home[problems[0][0]]);
    complain(problems, reply.message);
  }
};
