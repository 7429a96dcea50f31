// Stands between the guards of a PoP and the manager: forwards, counts, and misbehaves on demand.
import { DurableObject } from "cloudflare:workers";

let plan = { fault: "none", ms: 0, manager: "" };
let stats = { asked: 0, aborted: 0 };

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function forward(request) {
  const url = new URL(request.url);
  return fetch(plan.manager + url.pathname, { method: request.method, headers: request.headers });
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
        writer.write(new TextEncoder().encode('{"uuid":')).catch(() => {});
        setTimeout(() => writer.abort(new Error("cut")).catch(() => {}), 5);
        return new Response(readable);
      }
      case "error":
        return Response.json({ error: "internal_error" }, { status: 500 });
      case "rubbish":
        return new Response("<html>it works!</html>");
      case "wrong":
        return Response.json({ uuid: ["not", "one"], deployTime: 5, registeredAt: null });
      case "bare": {
        // What a manager that is not Skewguard's answers.
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
