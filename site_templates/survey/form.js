// The page's script: steps, what is shown, problems, the draft, and sending exactly once. What is
// visible and valid is decided by conditions.js, which stands before this text in one function;
// begin.js, which stands last, starts it. ``words.next`` and the like become constants, and only
// those that are said here are shipped (render.py).
const $ = id => document.getElementById(id);
const all = selector => Array.from(document.querySelectorAll(selector));
const [fields, wrong, words] = JSON.parse($("Data").textContent);
const form = $("Form"), panel = $("Panel"), next = $("Next"), live = $("Live"), title = document.title;
const action = form.getAttribute("action"), DAY = 864e5;
let [, link] = location.search.match(/^\?([\dA-Z-]{4,64})(&|$)/i) || [];
// The code may have left the address bar before this reload (parts/link.js).
try { link = link || performance.navigation.type && sessionStorage[action] || undefined; } catch (error) {}  // with link

// What is kept on the phone, by survey and link: a new version of the survey, and the page in
// another language, find it. Where nothing can be kept, the open page has to do.
const draftKey = action + "?" + (link || ""), frozenKey = draftKey + "!";
let kept = true;
const save = (key, value) => {
  kept = true;
  try {
    if (value) localStorage[key] = JSON.stringify(value);
    else delete localStorage[key];
  } catch (error) {
    kept = false;
  }
};
const load = (key, days) => {
  try {
    const value = JSON.parse(localStorage[key]);
    if (value.at > Date.now() - days * DAY) return value;
  } catch (error) {}  // none, or none that can be read
  save(key);
};

// Controls by field id, taken as they are: a tap before this line is an answer like any other. No
// form.elements: a question may be called "elements".
const controls = bare(), boxes = bare(), home = bare();
const sections = all("section");
const picked = control => /radio|box/.test(control.type);
all("form [name]").forEach(control => {
  (controls[control.name] = controls[control.name] || []).push(control);
});
fields.forEach(([id]) => {
  const [first] = controls[id] = controls[id] || [];
  const box = boxes[id] = first ? first.closest(".q") : $(id + "-Q");
  if (box) home[id] = box.closest("section");
});
const texts = id => controls[id]
  .filter(control => picked(control) ? control.checked : control.value || control.validity.badInput)
  .map(control => control.value || "?");
const filled = (text, facts) => text.replace(/\{\w+\}/g, () => facts.shift());
const label = id => boxes[id] ? boxes[id].querySelector(".t").textContent + " — " : "";

let reading, section, steps, frozen, busy, timer, thanks = words.thanks;
const after = [];  // what a part of the page does whenever answers have changed

// Read the controls, and show what is asked.
const update = () => {
  let appeared = "";
  reading = read(fields, (id, rule) => coerce(rule, texts(id)));
  fields.forEach(([id]) => {
    const hidden = reading.shown.indexOf(id) < 0, box = boxes[id];
    if (!box || box.hidden === hidden) return;
    box.hidden = hidden;
    controls[id].forEach(control => { control.disabled = hidden; });
    if (!hidden) appeared += label(id);
  });
  if (appeared) live.textContent = words.appeared + appeared;
  steps = sections.filter(step => reading.shown.some(id => home[id] === step));
  if (steps.indexOf(section) < 0) section = steps[0];
  const at = steps.indexOf(section) + 1, of = steps.length;
  sections.forEach(step => { step.hidden = step !== section; });
  $("Back").hidden = at < 2;
  next.textContent = busy ? words.sending : at < of ? words.next : words.submit;
  $("Step").textContent = of > 1 ? filled(words.step, [at, of]) : "";
  $("Bar").style.transform = `scaleX(${at / of})`;
  after.forEach(act => act());
};

const keep = version => {
  const answers = {};
  fields.forEach(([id, rule]) => {
    if (rule && boxes[id] && !controls[id].some(control => "p" in control.dataset))
      answers[id] = texts(id);
  });
  save(draftKey, {answers, at: Date.now(), version});
};
const changed = () => {
  update();
  keep();
};

// Steps are entries of the browser's history: [this one, the one before, the receipt].
const place = () => history.state || [0];
const show = to => {
  section = to;
  complain([]);
  update();
  section.focus();
  scrollTo(0, 0);
};
const turn = to => {
  if (!to || section === to) return;
  history.pushState([to, section].map(step => sections.indexOf(step)), "");
  show(to);
};

// Problems ([id, words]): all of them in a summary that takes the focus, each beside its question,
// on the step of the first.
const complain = (problems, heading) => {
  const said = bare(), list = $("Problems"), summary = $("Summary");
  if (problems.length) turn(home[problems[0][0]]);
  list.textContent = "";
  problems.forEach(([id, text]) => {
    const anchor = document.createElement("a");
    anchor.textContent = label(id) + (said[id] = text);
    list.appendChild(document.createElement("li")).appendChild(anchor);
    if (!home[id]) return;
    anchor.href = "#";
    anchor.onclick = event => {
      event.preventDefault();
      turn(home[id]);
      controls[id].find(control => !control.disabled).focus();
    };
  });
  fields.forEach(([id, rule]) => {
    if (!rule || !boxes[id]) return;
    const [control] = controls[id], text = said[id] || "", bad = !!text;
    boxes[id].querySelector("b").textContent = text;
    boxes[id].classList.toggle("bad", bad);
    if (!picked(control)) control.setAttribute("aria-invalid", bad);
  });
  const faulty = heading || problems.length;
  summary.hidden = !faulty;
  summary.firstElementChild.textContent = heading || words.problems;
  document.title = (faulty ? words.error : "") + title;
  if (faulty) summary.focus();
};

// The form gives way to one message: waiting, sent, or ended.
const tell = (heading, text, kind, receipt) => {
  const [head, body, foot, retry] = Array.from(panel.children);
  const first = panel.className !== "p " + kind;
  panel.hidden = false;
  panel.className = "p " + kind;
  head.textContent = heading;
  body.textContent = text;
  foot.textContent = receipt && words.receipt + receipt;
  retry.hidden = kind !== "wait";
  document.title = heading + " — " + title;
  if (first) {
    panel.focus();
    scrollTo(0, 0);
  }
};
const wait = why => tell(words.saved, why + (kept ? words.reopen : words.stay), "wait");
const done = receipt => {
  tell(words.sent, thanks, "sent", receipt);
  history.replaceState([0, 0, receipt], "");
};

// https://github.com/ulid/spec: 48 bits of time, 80 random bits.
const letter = number => "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[number % 32 | 0];
const ulid = time => {
  let id = Array.from(crypto.getRandomValues(new Uint8Array(16)), letter).join("");
  for (let i = 10; i--; time /= 32) id = letter(time) + id;
  return id;
};

const freeze = (submission, time, again) => {
  submission.id = ulid(time);
  frozen = {again, at: Date.now(), body: JSON.stringify(submission), tries: 0};
};

const post = (url, body, then) => {
  const request = new XMLHttpRequest();
  request.open("POST", url);
  request.timeout = 3e4;
  request.responseType = "json";
  request.setRequestHeader("Content-Type", "application/json");
  request.onloadend = () => then(request.status, request.response, request);
  request.send(body);
  return request;  // with upload
};

// Send the frozen bytes, this page's or another's of the same link, and again the same bytes until
// somebody who knows us has answered.
const send = () => {
  clearTimeout(timer);
  frozen = frozen || load(frozenKey, 6);
  if (busy || !frozen) return;
  busy = true;
  frozen.tries++;
  save(frozenKey, frozen);
  next.textContent = live.textContent = words.sending;
  post(action, frozen.body, settle);
};

const settle = (status, reply, request) => {
  const was = frozen;
  busy = false;
  if (status !== 201 && (!reply || status !== 200 && !reply.error || status === 403 || status > 428)) {
    if (was.at > Date.now() - 6 * DAY)
      timer = setTimeout(send, (1 << Math.min(was.tries, 6)) * (500 + Math.random() * 1e3));
    return wait(status ? words.crowded : words.offline);
  }
  save(frozenKey);
  frozen = null;
  if (status < 300) {
    save(leftKey);  // with left
    save(draftKey);
    return done(JSON.parse(was.body).id);
  }
  // Refused: nothing was stored under this id.
  const time = Date.parse(request.getResponseHeader("Date"));
  if (reply.error === "clock" && was.tries < 2 && !was.again && time) {
    freeze(JSON.parse(was.body), time, true);
    send();
  } else if (reply.error === "stale_version") {
    keep(1);
    location.reload();
  } else if (/^(already|gone|not)/.test(reply.error)) {
    save(draftKey);
    tell(words.ended, reply.message, "");
  } else {
    const problems = (reply.problems || []).map(problem => [problem.question, problem.message]);
    panel.hidden = true;
    update();
    complain(problems, reply.message);
  }
};
