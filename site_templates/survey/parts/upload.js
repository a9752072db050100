// Files go straight to storage as soon as they are chosen; the answer is their tokens, in a holder
// that the form takes for any other control. Sending waits for what is under way.
const files = [];  // of all questions: id, name, token, busy, wrong
let waiting;

const store = (url, form, then, progress) => {
  const request = new XMLHttpRequest();
  request.open("POST", url);
  request.timeout = 3e5;
  request.upload.onprogress = progress;
  request.onloadend = () => then(request.status);
  request.send(form);
  return request;
};

all("[type=file]").forEach(chooser => {
  const id = chooser.id.slice(0, -2), list = $(id + "-U"), [holder] = controls[id];
  const {kinds, largest, most} = chooser.dataset;
  const mine = () => files.filter(file => file.id === id);

  // What is known of the files, told to the form; and on with what waited for them.
  const note = () => {
    holder.value = mine().map(file => file.token).filter(Boolean).join(" ");
    chooser.parentNode.hidden = mine().length >= most;
    changed();
    if (!waiting || files.some(file => file.busy)) return;
    waiting = false;
    update();
    next.click();
  };

  const add = (name, blob, token) => {
    const item = list.appendChild(document.createElement("li"));
    const make = (tag, text) => {
      const made = item.appendChild(document.createElement(tag));
      made.textContent = text;
      return made;
    };
    const file = {id, name, token};
    make("span", name);
    const said = make("i", token ? words.uploaded : ""), bar = make("progress", "");
    const [again, off] = [words.again, words.remove].map(text => {
      const button = make("button", text);
      button.type = "button";
      button.setAttribute("aria-label", `${text}: ${name}`);
      return button;
    });
    let request;
    // busy: under way. wrong: what is wrong, and nothing is under way. Neither: it has arrived.
    const show = (text, busy, wrong, final) => {
      said.textContent = text;
      live.textContent = `${name}: ${text}`;
      item.className = wrong ? "bad" : "";
      bar.hidden = !busy;
      again.hidden = !wrong || !!final;
      file.busy = busy;
      file.wrong = wrong && text;
      note();
    };
    const start = () => {
      bar.value = 0;
      show(words.uploading, true);
      const asked = {version: controls._version[0].value, question: id, size: blob.size, type: blob.type};
      request = post(action.replace(/responses(?=\/[^\/]*$)/, "uploads"), JSON.stringify(asked), (status, leave) => {
        if (status !== 200 || !leave) {
          const [problem] = leave && leave.problems || [];
          show(problem ? problem.message : words.upload_failed, false, true, problem);
          return;
        }
        const form = new FormData();
        Object.keys(leave.fields).forEach(key => form.append(key, leave.fields[key]));
        form.append("file", blob);
        request = store(leave.url, form, status => {
          const arrived = status >= 200 && status < 300;
          if (arrived) file.token = leave.token;
          const odd = status === 415;  // its bytes are of another kind than its name
          show(arrived ? words.uploaded : odd ? kind : words.upload_failed, false, !arrived, odd);
        }, event => { bar.value = event.loaded / event.total; });
      });
    };
    const kind = words.file_kind.replace("{kinds}", kinds);
    again.hidden = bar.hidden = true;
    again.addEventListener("click", start);
    off.addEventListener("click", () => {
      if (request) {
        request.onloadend = null;
        request.abort();
      }
      files.splice(files.indexOf(file), 1);
      list.removeChild(item);
      note();
      chooser.focus();
    });
    files.push(file);
    if (token) chooser.parentNode.hidden = mine().length >= most;
    else if (chooser.accept.split(",").indexOf(blob.type) < 0) show(kind, false, true, true);
    else if (blob.size > largest * 1048576) show(words.file_large.replace("{largest}", largest), false, true, true);
    else start();
  };

  chooser.addEventListener("change", () => {
    const chosen = Array.from(chooser.files), room = most - mine().length;
    boxes[id].querySelector("b").textContent = chosen.length > room ? words.many.replace("{most}", most) : "";
    chooser.value = "";
    chosen.slice(0, room).forEach(blob => add(blob.name, blob));
  });
  // A problem's link leads to the form's control; a person needs the one to be seen.
  holder.addEventListener("focus", () => {
    (chooser.parentNode.hidden ? list.querySelector("button:not([hidden])") : chooser).focus();
  });
  // A draft brings tokens back: names are not kept on the phone.
  after.push(() => {
    holder.value.split(" ").filter(token => token && !mine().some(file => file.token === token))
      .forEach(token => add(words.a_file.replace("{n}", mine().length + 1), null, token));
  });
});
after.push(() => {
  if (waiting) next.textContent = words.upload_wait;
});

form.addEventListener("submit", event => {
  const wrong = files.filter(file => file.wrong && !boxes[file.id].hidden);
  waiting = !wrong.length && files.some(file => file.busy);
  if (!waiting && !wrong.length) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (waiting) live.textContent = next.textContent = words.upload_wait;
  else complain(wrong.map(file => [file.id, `${file.name}: ${file.wrong}`]));
});
