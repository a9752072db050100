// Asking the server: who we are to it, how long we wait, and what we say meanwhile.
const TOKEN = "echoform-staff-token";
const SLOW = 3e3, PATIENCE = 2e4, LONGEST = 3e4;

let token = kept("sessionStorage", TOKEN), me = null, signed = "";

// #token=… leaves the address bar, and with it the history, before anything is asked.
const takeToken = () => {
  const found = /[#&]token=([^&]+)/.exec(location.hash);
  if (!found) return false;
  setToken(decodeURIComponent(found[1]));
  const rest = location.hash.replace(found[0], "").replace(/^[#&]+/, "");
  history.replaceState(null, "", location.pathname + location.search + (rest ? "#" + rest : ""));
  return true;
};
const setToken = value => {
  token = value;
  keep("sessionStorage", TOKEN, value || undefined);
};

class Refusal extends Error {
  constructor(status, body, after) {
    super(body?.error || "lost");
    Object.assign(this, {status, body: body || {}, after});
  }
  // Nobody knows whether the server did it; it is worth asking again.
  get lost() { return !this.status || this.status >= 500 || this.status === 429; }
}

const net = {slow: 0, lost: 0, until: 0};
let wake = [];
const awake = () => wake.splice(0).forEach(go => go());
const pause = ms => new Promise(go => {
  wake.push(go);
  setTimeout(go, ms);
});

const drawNet = () => {
  const left = Math.ceil((net.until - Date.now()) / 1e3), place = $("Net");
  const waiting = outbox.length ? word("waiting", {n: outbox.length}) : "";
  const state = net.lost ? "lost" : net.slow ? "slow" : outbox.length ? "wait" : "";
  place.className = state;
  if (!net.lost) return void (place.textContent = list(net.slow > 0 && word("slow"), waiting));
  if (place.firstChild?.nodeName !== "SPAN") redraw(place, h("span"), button(word("try_now"), awake));
  place.firstChild.textContent = list(waiting, left > 0 ? word("lost", {n: left}) : word("lost_now"));
};

const ask = async (path, body) => {
  if (signed) throw new Refusal(401, {error: signed});
  let slow = 0;
  const late = setTimeout(() => {
    slow = 1;
    if (!net.slow++) announce(word("slow"));
    drawNet();
  }, SLOW);
  try {
    const reply = await fetch(DATA.api + path, {
      method: body ? "POST" : "GET",
      headers: {Authorization: `Bearer ${token}`, "Accept-Language": language, ...body && {"Content-Type": "application/json"}},
      body: body && JSON.stringify(body),
      cache: "no-store", signal: AbortSignal.timeout(PATIENCE)
    });
    const found = await reply.json();
    if (!reply.ok) throw new Refusal(reply.status, found, reply.headers.get("Retry-After") * 1e3);
    return found;
  } catch (error) {
    if (!(error instanceof Refusal)) throw new Refusal(0);
    if (error.status === 401) signOut(error.message);
    throw error;
  } finally {
    clearTimeout(late);
    net.slow -= slow;
    drawNet();
  }
};

// Until there is an answer, or `wanted` says that nobody waits for it any more.
const persist = async (attempt, wanted = () => true) => {
  let lost = 0;
  try {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof Refusal) || !error.lost || !wanted()) throw error;
        if (!lost++ && !net.lost++) announce(word("lost_now"));
        const wait = Math.max(error.after || 0, Math.min(LONGEST, 1e3 * 2 ** (lost - 1)));
        net.until = Date.now() + wait;
        drawNet();
        await pause(wait);
        if (!wanted()) throw error;
      }
    }
  } finally {
    if (lost && !--net.lost) announce(word("back_online"));
    drawNet();
  }
};
const read = (path, wanted) => persist(() => ask(path), wanted);
const query = facts => new URLSearchParams(
  Object.entries(facts).filter(([, value]) => value !== "" && value != null)).toString();

const explained = error => {
  const known = DATA.words[language].errors[error.message];
  return known || word("errors.other", {message: error.body.why || error.body.message || error.message});
};
