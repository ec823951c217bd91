// What readers try out in the page: the examples that have a button "Run", and one Thing in two windows.
//
// It works where WidgetApp itself serves the guides, below /guide/: there the login of this browser counts, so that no
// token and no password of anybody has to be in a page. An example is done from its own text, the one that the tests
// execute, with a Thing that is made for it and deleted again.
"use strict";

(() => {
  const SERVED = "/guide/";
  const PATIENCE_MS = 10_000;
  /** The Thing that the examples begin with: what the demonstration calls Welcome. */
  const WELCOME = {
    title: "Welcome",
    content: {
      meta: { title: "Welcome", description: "A Thing to try things out on" },
      parts: {
        table: { kind: "box", x: 40, y: 40, w: 200, h: 90, label: "A table", color: "#7a9e7e" },
        lamp: { kind: "circle", x: 280, y: 30, w: 60, h: 60, label: "A lamp", color: "#e0b354" },
      },
      notes: "Ada owns this, Grace can change it, Linus can look at it.\n",
    },
  };

  /** Why it cannot go on, for the reader. */
  class Stopped extends Error {}

  const ask = (path, request) =>
    fetch(path, request).catch(() => {
      throw new Stopped("The server cannot be reached.");
    });

  // ---- The Things that are made for a trial

  async function post(action, body) {
    const answer = await ask(`/_ajax/${action}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      keepalive: true,
    });
    if (answer.status === 401) throw new Stopped("login");
    const told = await answer.json();
    if (!answer.ok) throw new Stopped(`The server says: ${told.detail}.`);
    return told;
  }

  const make = async (of) => (await post("create", of)).thing;
  // One that is gone already is what was wanted.
  const unmake = (things) => Promise.allSettled(things.map((thing) => post("delete", { thing })));

  // ---- What stands for another value in each run, such as [THING] or [EPOCH:2]

  const PLACEHOLDER = /\[[A-Z]+(?::\w+)?\]/g;

  class Values {
    #known = new Map();

    set(placeholder, value) {
      this.#known.set(placeholder, value);
    }

    fill(text) {
      return text.replace(PLACEHOLDER, (placeholder) => this.#known.get(placeholder) ?? placeholder);
    }

    /** Takes from what came the values that stand open in what the guide shows. */
    learn(shown, came) {
      if (typeof shown === "string") {
        const is = shown.match(PLACEHOLDER);
        if (is?.[0] === shown && typeof came === "string" && !this.#known.has(shown)) this.set(shown, came);
      } else if (shown && came && typeof shown === "object" && typeof came === "object") {
        for (const key of Object.keys(shown)) this.learn(shown[key], came[key]);
      }
    }

    things() {
      return [...this.#known].filter(([name]) => name.startsWith("[THING")).map(([, thing]) => thing);
    }
  }

  /** JSON as the guide shows it, in which [TIME] and the like stand without quotes. */
  function json(text) {
    try {
      return JSON.parse(text.replace(/([:,]\s*)\[[A-Z]+(?::\w+)?\]/g, "$1null"));
    } catch {
      return undefined;
    }
  }

  // ---- Requests over HTTP

  /** The text of an exchange.http: `>` a request, `<` its answer. */
  function exchanges(text) {
    const found = [];
    let last = "";
    for (const line of text.split("\n")) {
      const sign = line[0] ?? "";
      if (sign === ">" && last !== ">") found.push({ ">": [], "<": [] });
      if (sign === ">" || sign === "<") found.at(-1)[sign].push(line.slice(2));
      last = sign;
    }
    return found.map((exchange) => ({ request: message(exchange[">"]), answer: message(exchange["<"]) }));
  }

  function message([start = "", ...lines]) {
    const end = lines.includes("") ? lines.indexOf("") : lines.length;
    const headers = lines.slice(0, end).map((line) => line.split(/: (.*)/).slice(0, 2));
    return { start, headers: new Map(headers), body: lines.slice(end + 1).join("\n") };
  }

  /** Whose request it is: by the token or password that it shows. */
  function author({ headers }) {
    const shown = headers.get("Authorization");
    return shown === undefined ? "nobody" : (shown.match(/:(\w+)\]/)?.[1] ?? "ada");
  }

  async function runExchanges(text, values, write) {
    const all = exchanges(text);
    const you = author(all[0].request);
    let same = true;
    for (const { request, answer: shown } of all) {
      const [method, path] = request.start.split(" ");
      write("sent", `${method} ${values.fill(path)}`);
      const who = author(request);
      if (who !== you && who !== "nobody") {
        write("remark", `Not done: it is for ${who} to ask this, and you are one person.`);
        continue;
      }
      const headers = [...request.headers].filter(([name]) => name !== "Authorization");
      const answer = await ask(values.fill(path), {
        method,
        headers: headers.map(([name, value]) => [name, values.fill(value)]),
        body: request.body ? values.fill(request.body) : undefined,
        credentials: who === "nobody" ? "omit" : "same-origin",
      });
      const told = await answer.text();
      write("received", `${answer.status} ${answer.statusText}\n${told}`);
      values.learn(json(shown.body), json(told));
      same &&= shown.start.split(" ")[1] === String(answer.status);
    }
    return same ? undefined : "Not every status is the one above.";
  }

  // ---- Messages on streams

  /** The text of a stream.ws: who opens a stream, sends (`>`) or hears (`<`) what. */
  function steps(text) {
    const found = [];
    for (const line of text.split("\n")) {
      const [, party, rest] = /^([a-z]*)(.*)$/.exec(line);
      if (/^[<>]/.test(rest)) {
        found.push({ party, does: rest[0], text: rest.slice(1).replace(/^[~.]/, "").trim() });
      } else if (/^(: )?GET /.test(rest)) {
        found.push({ party, does: "opens", text: "" });
      } else if (/^ +\S/.test(line)) {
        found.at(-1).text += ` ${line.trim()}`;
      }
    }
    return found;
  }

  class Party {
    #socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/_stream`, ["widgetapp.v1.json"]);
    #heard = [];
    #woken = () => {};
    #over = false;

    constructor(name, write) {
      const take = (text) => {
        if (this.#over) return;
        write("received", name ? `${name}: ${text}` : text);
        this.#heard.push(text);
        this.#woken();
      };
      this.#socket.addEventListener("message", ({ data }) => take(data));
      this.#socket.addEventListener("close", ({ code, reason }) => take(`close ${code} ${reason}`.trim()));
    }

    async open() {
      const opened = new Promise((done) => this.#socket.addEventListener("open", () => done(true)));
      const closed = new Promise((done) => this.#socket.addEventListener("close", () => done(false)));
      if (!(await Promise.race([opened, closed]))) {
        throw new Stopped("The stream was not let in. Is your group approved for streaming?");
      }
    }

    send(text) {
      const [, code] = /^close (\d+)/.exec(text) ?? [];
      if (code) this.#socket.close(Number(code));
      else this.#socket.send(text);
    }

    /** The message that is meant, when it comes; undefined if it does not. */
    async hear(shown) {
      const end = Date.now() + PATIENCE_MS;
      while (Date.now() < end) {
        const at = this.#heard.findIndex((text) => isLike(shown, text));
        if (at >= 0) return this.#heard.splice(at, 1)[0];
        await new Promise((done) => {
          this.#woken = done;
          setTimeout(done, end - Date.now());
        });
      }
      return undefined;
    }

    end() {
      this.#over = true;
      this.#socket.close();
    }
  }

  /** Whether it is the same reply, push or close code. Where a Thing stood before may be another. */
  function isLike(shown, came) {
    const [one, other] = [json(shown), json(came)];
    if (!one || !other) return shown.split(" ").slice(0, 2).join(" ") === came.split(" ").slice(0, 2).join(" ");
    const fields = ["port", "name", "id"];
    return fields.every((field) => one[field] === other[field]) && one.error?.code === other.error?.code;
  }

  async function runStream(text, values, write) {
    const parties = new Map();
    try {
      for (const { party, does, text: shown } of steps(text)) {
        if (does === "opens") {
          parties.get(party)?.end();
          parties.set(party, new Party(party, write));
          await parties.get(party).open();
        } else if (does === ">") {
          const sent = values.fill(shown);
          write("sent", party ? `${party}: ${sent}` : sent);
          parties.get(party).send(sent);
        } else {
          const came = await parties.get(party).hear(shown);
          if (came === undefined) return `This did not come within ${PATIENCE_MS / 1000} seconds: ${shown}`;
          values.learn(json(shown), json(came));
        }
      }
      return undefined;
    } finally {
      parties.forEach((party) => party.end());
    }
  }

  // ---- What readers see

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  const link = (href, text) => element("a", { href }, text);

  /** Where the same page is, if a server on this machine serves the guides. */
  function elsewhere() {
    const root = new URL(path_to_root || "./", location.href).pathname;
    return `http://127.0.0.1:8080${SERVED}${location.pathname.slice(root.length)}`;
  }

  /** Why nothing can be tried out, and what to do about it. */
  function explain(why) {
    if (why === "served") {
      const command = element("code", {}, "cargo run -- --guides book/book");
      return [
        "To try this out, let WidgetApp show the guides: build them with ", element("code", {}, "mdbook build book"),
        ", start it with ", command, ", and go to ", link(elsewhere(), "this page there"), ".",
      ];
    }
    if (why === "login") {
      const back = `/login?next=${encodeURIComponent(location.pathname)}`;
      return ["To try this out, ", link(back, "log in"), " first: in the demonstration as ada, whose password is in ",
        element("code", {}, "widgetapp-data/demo.json"), "."];
    }
    return [why];
  }

  /** Does something that may not be possible here; says so if it is not. */
  async function attempt(said, what) {
    said.replaceChildren();
    if (!location.pathname.startsWith(SERVED)) return said.replaceChildren(...explain("served"));
    try {
      await what();
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      said.replaceChildren(...explain(error.message));
    }
  }

  const RUN = { "exchange.http": runExchanges, "stream.ws": runStream };

  /** Below a figure: what came, and what is to be said about it. */
  function bindFigure(figure) {
    const said = element("output", { class: "said" });
    const lines = element("pre", { class: "ran", tabindex: "0", "aria-label": "What came", hidden: "" });
    figure.append(lines, said);
    figure.querySelectorAll("button.run").forEach((button) => bindExample(button, lines, said));
  }

  function bindExample(button, lines, said) {
    button.hidden = false;
    const write = (kind, text) => lines.append(element("code", { class: kind }, `${text.trimEnd()}\n`));
    button.addEventListener("click", async () => {
      button.disabled = true;
      lines.replaceChildren();
      await attempt(said, async () => {
        const values = new Values();
        values.set("[THING]", await make(WELCOME));
        lines.hidden = false;
        try {
          const { file, text } = button.dataset;
          const fault = await RUN[file](text, values, write);
          said.textContent = fault ?? "All of it came as the guide shows it, from your server, with your login.";
        } finally {
          await unmake(values.things());
        }
      });
      button.disabled = false;
    });
  }

  function bindSideBySide(place) {
    const said = element("output", { class: "said" });
    const show = element("button", { type: "button" }, "Show me two windows");
    const end = element("button", { type: "button", hidden: "" }, "Take them away");
    const windows = element("div", { class: "windows" });
    place.replaceChildren(show, end, said, windows);
    let thing;
    const away = () => {
      windows.replaceChildren();
      [show.hidden, end.hidden] = [false, true];
      const made = thing;
      thing = undefined;
      return made ? unmake([made]) : Promise.resolve();
    };
    show.addEventListener("click", () => attempt(said, async () => {
      show.disabled = true;
      try {
        thing = await make({ ...WELCOME, title: "Tried out in the guide" });
      } finally {
        show.disabled = false;
      }
      const frame = (title) => element("iframe", { title, src: `/things/${thing}` });
      windows.replaceChildren(frame("Left window"), frame("Right window"));
      [show.hidden, end.hidden] = [true, false];
    }));
    end.addEventListener("click", async () => {
      await away();
      said.textContent = "They are gone, and the Thing with them.";
    });
    addEventListener("pagehide", () => void away());
  }

  document.querySelectorAll("figure:has(button.run)").forEach(bindFigure);
  document.querySelectorAll(".side-by-side").forEach(bindSideBySide);
})();
