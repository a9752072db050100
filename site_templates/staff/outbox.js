// What a person did is written down before it is sent, and crossed out when the server has
// answered: nothing is lost by a dead network or a reload. Nor done twice: an action names the
// version it was decided on, so the server takes it once, and where the reply was lost the item's
// history tells whether it was ours.
const OUTBOX = "echoform-staff-outbox";
let outbox = (kept("sessionStorage", OUTBOX) || []).map(action => ({...action, unsure: true}));
let sending = false;
const settling = new Map();  // what waits in this page for an action, by its key

const keepOutbox = () => {
  keep("sessionStorage", OUTBOX, outbox.length ? outbox : undefined);
  drawNet();
};
const pendingOn = id => outbox.find(action => action.items?.includes(id) || action.id === id);

// Resolves with the server's answer, or rejects with its refusal, however long that takes.
const act = action => new Promise((done, failed) => {
  const key = Math.random().toString(36).slice(2);
  outbox.push({...action, key, by: me.sub});
  settling.set(key, {done, failed});
  keepOutbox();
  pump();
});

const pump = async () => {
  if (sending || !token || !me) return;
  sending = true;
  while (outbox.length && !signed) {
    const action = outbox[0], waiting = settling.get(action.key);
    try {
      const answer = await persist(() => deliver(action), () => !signed);
      settled(action);
      waiting ? waiting.done(answer) : afterReload(action, answer);
    } catch (error) {
      if (error.status === 401 || error.lost) break;  // goes on when there is a token again
      settled(action);
      waiting ? waiting.failed(error) : announce(explained(error));
    }
  }
  sending = false;
};
const settled = action => {
  outbox = outbox.filter(each => each.key !== action.key);
  settling.delete(action.key);
  keepOutbox();
};

const deliver = async action => {
  const unsure = action.unsure;
  action.unsure = true;
  keepOutbox();
  try {
    return await ask(action.path, action.body);
  } catch (error) {
    if (error.status && !error.lost && !unsure) action.unsure = false;
    const stale = error.status === 409 && unsure && action.id;
    const found = stale && await ask(`/follow-ups/${action.id}`);
    if (found && isOurs(found.history[action.body.version], action)) {
      return {item: found.item, moves: found.moves};
    }
    throw error;
  }
};
const plain = text => String(text ?? "").normalize("NFKC").replace(/\s+/g, " ").trim();
const isOurs = (event, action) => {
  if (!event || event.by !== action.by || event.kind !== action.body.move) return false;
  const facts = {...event, ...event.data};
  return Object.entries(action.body).every(([name, value]) =>
    name === "version" || name === "move" || plain(facts[name]) === plain(value));
};

// Nobody acts in another's name: what somebody else left unsent is told, and not sent.
const disown = () => {
  const others = outbox.filter(action => action.by !== me.sub);
  if (!others.length) return;
  notice(word("unsent", {
    n: others.length, who: others[0].by,
    moves: others.map(action => list(word(`moves.${action.body.move}`), action.id)).join(", ")
  }));
  others.forEach(action => {
    settling.get(action.key)?.failed(new Refusal(403, {error: "not_allowed_to"}));
    settled(action);
  });
};
const afterReload = (action, answer) => {
  announce(word("done", {move: word(`moves.${action.body.move}`)}));
  if (answer.item) refreshed(answer.item);
};
window.onbeforeunload = event => { if (outbox.length) event.preventDefault(); };
