// CloudFront function for the pages, on viewer request (runtime 2.0). Not for /api and /uploads.
// Does what generator/serving.py does on a laptop; tests/vectors/addresses.json holds both.
//   /S/AFTER-SALES/7K2M9QXC  leads to /after-sales/?7K2M9QXC: the short form, for small QR codes
//   /after-sales?7K2M9QXC    leads to the same: a page's own links need the slash
//   /o?7K2M9QXC01            leads to /api/optouts?7K2M9QXC01: the way out of text messages
//   /after-sales/            is the file /after-sales/index.html
// Nothing is looked up: a survey's alias is its id in capitals, and what leads nowhere ends at 404.
// Written as plainly as that engine wants it: no destructuring, no spreading.
function handler(event) {
  const request = event.request, uri = request.uri;
  const added = written(request.querystring);
  const short = /^\/S\/([A-Za-z][A-Za-z0-9-]{0,62})\/([0-9A-Za-z-]{4,64})\/?$/.exec(uri);
  if (short) return moved("/" + short[1].toLowerCase() + "/", [short[2]].concat(added));
  if (uri === "/o" && /^[0-9A-Za-z]{10}$/.test(added[0])) return moved("/api/optouts", added);
  // Never what begins with two slashes, which would be another host's address.
  if (/^(\/[A-Za-z][A-Za-z0-9-]*){1,3}$/.test(uri)) return moved(uri + "/", added);
  if (uri.endsWith("/")) request.uri = uri + "index.html";
  return request;
}

// The parts of a query string as they stood in it.
function written(parts) {
  const found = [];
  Object.keys(parts).forEach(function (name) {
    (parts[name].multiValue || [parts[name]]).forEach(function (each) {
      found.push(each.value ? name + "=" + each.value : name);
    });
  });
  return found;
}

// Kept by nobody: the place holds a link's code.
function moved(place, query) {
  return {
    statusCode: 302,
    statusDescription: "Found",
    headers: {
      "location": {value: query.length ? place + "?" + query.join("&") : place},
      "cache-control": {value: "no-store"},
      "referrer-policy": {value: "same-origin"}
    }
  };
}
