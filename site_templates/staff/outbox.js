// What a person did is written down before it is sent, and crossed out when the server has
// answered: nothing is lost by a dead network or a reload. Nor done twice: an action names the
// version it was decided on, so the server takes it once; and where that version is gone, the
// item's history tells whether it was this very action that went through: its reply may have been
// lost, and a browser sends by itself a second time what a closed connection swallowed.
const OUTBOX = "echoform-staff-outbox";
let outbox = kept("sessionStorage", OUTBOX) || [];
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
      waiting ? waiting.failed(error) : afterReload(action, null, error);
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
  try {
    return await ask(action.path, action.body);
  } catch (error) {
    const found = error.message === "stale" && action.id && await ask(`/follow-ups/${action.id}`);
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
    who: others[0].by,
    moves: others.map(action => list(word(`moves.${action.body.move}`), action.id)).join(", ")
  }));
  others.forEach(action => {
    settling.get(action.key)?.failed(new Refusal(401));
    settled(action);
  });
};
const afterReload = (action, answer, error) => {
  const move = word(`moves.${action.body.move}`);
  if (error) notice(list(move, explained(error)));
  else announce(word("done", {move}));
  if (answer?.item) refreshed(answer.item);
  if (action.id) reread(action.id);
};
window.onbeforeunload = event => { if (outbox.length) event.preventDefault(); };
