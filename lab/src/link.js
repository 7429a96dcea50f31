// Stands between the guards of a PoP and the manager: forwards, counts, and misbehaves on demand.
import { DurableObject } from "cloudflare:workers";

let plan = { fault: "none", ms: 0, manager: "" };
let stats = { asked: 0, aborted: 0 };

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function forward(request) {
  const { pathname, search } = new URL(request.url);
  const { method, headers } = request;
  const body = method === "GET" ? undefined : await request.arrayBuffer();
  return fetch(plan.manager + pathname + search, { method, headers, body });
}

export class Link extends DurableObject {
  async fetch(request) {
    stats.asked += 1;
    request.signal.addEventListener("abort", () => (stats.aborted += 1));
    switch (plan.fault) {
      case "delay":
        await sleep(plan.ms);
        return forward(request);
      case "hang":
        await sleep(60_000);
        return new Response(null, { status: 504 });
      case "stall": {
        // Half of a good answer, and then nothing for as long as anybody listens.
        const whole = new Uint8Array(await (await forward(request)).arrayBuffer());
        const { readable, writable } = new TransformStream();
        const writer = writable.getWriter();
        writer.write(whole.slice(0, whole.length / 2)).catch(() => {});
        return new Response(readable);
      }
      case "cut": {
        const { readable, writable } = new TransformStream();
        const writer = writable.getWriter();
        writer.write(new TextEncoder().encode('{"epoch":')).catch(() => {});
        setTimeout(() => writer.abort(new Error("cut")).catch(() => {}), 5);
        return new Response(readable);
      }
      case "error":
        return Response.json({ error: "internal_error" }, { status: 500 });
      case "rubbish":
        return new Response("<html>it works!</html>");
      case "wrong":
        return Response.json({ maxAgeMs: 5000, workers: { "op-auth": { serving: "one" }, "op-token": 5 } });
      case "bare": {
        // What a manager that is not Skewguard's knows and answers.
        if (new URL(request.url).pathname === "/manifest") {
          return Response.json({ error: "not_found" }, { status: 404 });
        }
        const { uuid, deployTime, registeredAt } = await (await forward(request)).json();
        return Response.json({ uuid, deployTime, registeredAt });
      }
      case "gone":
        throw new Error("the manager is gone");
      default:
        return forward(request);
    }
  }
}

export default {
  async fetch(request) {
    if (request.method === "POST") plan = { ...plan, ...(await request.json()) };
    return Response.json(stats);
  },
};
