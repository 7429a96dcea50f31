// What stands behind `caches` in the Workers of a PoP. workerd sends it a GET for each `match`, a
// PUT for each `put` and a PURGE for each `delete`; any other GET reads the counters.

const entries = new Map();
const stats = { hits: 0, misses: 0, puts: 0, deletes: 0 };

// The URL, and the name of the cache unless it is `caches.default`.
const keyOf = (request) => `${request.headers.get("CF-Cache-Namespace") ?? ""} ${request.url}`;

// How long a response may be kept, in ms; 0 if it must not be stored.
function lifetime(headers) {
  const control = headers.get("Cache-Control") ?? "";
  if (/\b(no-store|no-cache|private)\b/i.test(control)) return 0;
  const seconds = /\bs-maxage=(\d+)/i.exec(control) ?? /\bmax-age=(\d+)/i.exec(control);
  return seconds ? 1000 * Number(seconds[1]) : Infinity;
}

// The body of a PUT is a whole HTTP/1.1 response, and never chunked, whatever its headers say.
function parse(message) {
  const blank = message.findIndex(
    (_, at) => message[at] === 13 && message[at + 1] === 10 && message[at + 2] === 13,
  );
  const [first, ...lines] = new TextDecoder().decode(message.subarray(0, blank)).split("\r\n");
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  headers.delete("Transfer-Encoding");
  return { status: Number(first.split(" ")[1]), headers, body: message.slice(blank + 4) };
}

function match(key) {
  const entry = entries.get(key);
  if (!entry || Date.now() >= entry.until) {
    entries.delete(key);
    stats.misses += 1;
    return new Response(null, { status: 504, headers: { "CF-Cache-Status": "MISS" } });
  }
  stats.hits += 1;
  const headers = new Headers(entry.headers);
  headers.set("CF-Cache-Status", "HIT");
  const body = entry.body.length > 0 ? entry.body : null;
  return new Response(body, { status: entry.status, headers, encodeBody: "manual" });
}

async function put(key, request, idle) {
  const { status, headers, body } = parse(new Uint8Array(await request.arrayBuffer()));
  if (idle) return new Response(null, { status: 204 });
  const ms = lifetime(headers);
  if (ms === 0) return new Response(null, { status: 413 });
  stats.puts += 1;
  entries.set(key, { status, headers: [...headers], body, until: Date.now() + ms });
  return new Response(null, { status: 204 });
}

function purge(key) {
  stats.deletes += 1;
  return new Response(null, { status: entries.delete(key) ? 200 : 404 });
}

export default {
  async fetch(request, env) {
    const key = keyOf(request);
    if (request.method === "PUT") return put(key, request, env.IDLE);
    if (request.method === "PURGE") return purge(key);
    const isMatch = request.headers.get("Cache-Control") === "only-if-cached";
    return isMatch ? match(key) : Response.json(stats);
  },
};
