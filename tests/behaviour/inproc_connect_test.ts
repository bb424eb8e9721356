import assert from "node:assert/strict";
import {
  Context,
  Dealer,
  Pair,
  Publisher,
  Pull,
  Push,
  Reply,
  Request,
  Router,
  Subscriber,
} from "../../mod.ts";
import {
  expectFull,
  expectMessage,
  expectNothing,
  receiveTexts,
  texts,
} from "../support/messages.ts";
import { OWN_CONTEXT, scenario } from "../support/scenario.ts";
import { until, within } from "../support/wait.ts";

scenario("test_inproc_connect: bind first", async (s) => {
  const [one, two] = [s.open(Pair), s.open(Pair)];
  await one.bind("inproc://a");
  two.connect("inproc://a");
  await two.send("foobar");
  await expectMessage(one, "foobar");
});

scenario(
  "test_inproc_connect: connect first, the message is kept",
  async (s) => {
    const [one, two] = [s.open(Pair), s.open(Pair)];
    two.connect("inproc://a");
    await two.send("foobar");
    await one.bind("inproc://a");
    await expectMessage(one, "foobar");
    await one.send("back");
    await expectMessage(two, "back");
  },
);

scenario(
  "test_inproc_connect: connect first, what PUB sent before is lost",
  async (s) => {
    const pub = s.open(Publisher);
    pub.connect("inproc://a");
    await pub.send("before");
    const sub = s.open(Subscriber);
    sub.subscribe("");
    await sub.bind("inproc://a");
    await until(async () => {
      await pub.send("after");
      return sub.readable;
    }, "the subscription to arrive");
    await expectMessage(sub, "after");
  },
);

scenario(
  "test_inproc_connect: a context ends with connects that nobody bound",
  async () => {
    const context = new Context();
    const routers: Router[] = [];
    for (let n = 0; n < 20; n += 1) {
      const router = new Router({ context, routingId: `r${n}` });
      router.connect("inproc://never");
      routers.push(router);
    }
    for (const router of routers) router.close();
    await within(context.terminate(), "termination");
  },
);

scenario(
  "test_inproc_connect: terminate closes unbound connects itself",
  async () => {
    const context = new Context();
    for (const make of [Dealer, Router, Push, Subscriber, Request, Pair]) {
      new make({ context, linger: 0 }).connect("inproc://never");
    }
    await within(context.terminate(), "termination");
  },
);

scenario(
  "test_inproc_connect: queued messages of an unbound connect do not hang the end",
  async () => {
    const context = new Context();
    const push = new Push({ context });
    push.connect("inproc://never");
    await push.send("nobody will read this");
    push.close();
    await within(context.terminate(), "termination");
  },
);

scenario("test_inproc_connect: many connects before one bind", async (s) => {
  const COUNT = 20;
  const pushes: Push[] = [];
  for (let n = 0; n < COUNT; n += 1) {
    const push = s.open(Push);
    push.connect("inproc://a");
    await push.send([`${n}`, "x"]);
    pushes.push(push);
  }
  const pull = s.open(Pull);
  await pull.bind("inproc://a");
  const seen = new Set<string>();
  for (let n = 0; n < COUNT; n += 1) {
    const [from = "", x] = await receiveTexts(pull);
    assert.equal(x, "x");
    seen.add(from);
  }
  assert.equal(seen.size, COUNT);
  await expectNothing(pull);
});

for (const first of ["bind", "connect"] as const) {
  scenario(
    `test_inproc_connect: routing ids cross, ${first} first`,
    async (s) => {
      const one = s.open(Router, { routingId: "one" });
      const two = s.open(Router, { routingId: "two" });
      if (first === "bind") {
        await one.bind("inproc://a");
        two.connect("inproc://a");
      } else {
        two.connect("inproc://a");
        await one.bind("inproc://a");
      }
      two.mandatory = true;
      one.mandatory = true;
      // It waits until there is a peer.
      await two.send(["one", "hello"]);
      await expectMessage(one, "two", "hello");
      await one.send(["two", "back"]);
      await expectMessage(two, "one", "back");
    },
  );

  scenario(
    `test_inproc_connect: an unnamed DEALER gets an id, ${first} first`,
    async (s) => {
      const router = s.open(Router);
      const dealer = s.open(Dealer);
      if (first === "bind") await router.bind("inproc://a");
      dealer.connect("inproc://a");
      if (first === "connect") await router.bind("inproc://a");
      await dealer.send("hello");
      const [id, text] = await router.receive();
      assert.equal(id.length, 5);
      assert.equal(id[0], 0);
      assert.deepEqual(texts([text ?? id]), ["hello"]);
      await router.send([id, "back"]);
      await expectMessage(dealer, "back");
    },
  );
}

scenario("test_inproc_connect: connect only, then close", async (s) => {
  for (let n = 0; n < 10; n += 1) {
    const pair = s.open(Pair, { linger: -1 });
    pair.connect(`inproc://${n}`);
    pair.close();
  }
  // The names are free for others.
  const [pull, push] = [s.open(Pull), s.open(Push)];
  await pull.bind("inproc://3");
  push.connect("inproc://3");
  await push.send("hello");
  await expectMessage(pull, "hello");
}, OWN_CONTEXT);

scenario(
  "test_inproc_connect: unbind, then another binds the name",
  async (s) => {
    const one = s.open(Reply);
    await one.bind("inproc://a");
    await one.unbind("inproc://a");
    const two = s.open(Reply);
    await two.bind("inproc://a");
    const req = s.open(Request);
    req.connect("inproc://a");
    await req.send("who?");
    await expectMessage(two, "who?");
    await two.send("two");
    await expectMessage(req, "two");
  },
);

scenario("test_inproc_connect: close gives the name back", async (s) => {
  for (let n = 0; n < 5; n += 1) {
    const pull = s.open(Pull);
    await s.bindAgain(pull, "inproc://a");
    const push = s.open(Push);
    push.connect("inproc://a");
    await push.send(`${n}`);
    await expectMessage(pull, `${n}`);
    pull.close();
  }
});

scenario(
  "test_inproc_connect: a disconnect before the bind takes the message along",
  async (s) => {
    const push = s.open(Push);
    push.connect("inproc://a");
    await push.send("to nobody");
    push.disconnect("inproc://a");
    await expectFull(push);
    const pull = s.open(Pull);
    await pull.bind("inproc://a");
    push.connect("inproc://a");
    await push.send("to somebody");
    // libzmq delivers the first one, too, if it is still linger time.
    await until(
      async () => (await receiveTexts(pull))[0] === "to somebody",
      "the second message",
    );
  },
);

scenario("names of one context mean nothing in another", async (s) => {
  const other = new Context();
  try {
    const here = s.open(Pair);
    const there = new Pair({ context: other, linger: 0, receiveTimeout: 5000 });
    await here.bind("inproc://same");
    await there.bind("inproc://same");
    const [a, b] = [s.open(Pair), new Pair({ context: other, linger: 0 })];
    a.connect("inproc://same");
    b.connect("inproc://same");
    await a.send("here");
    await b.send("there");
    await expectMessage(here, "here");
    await expectMessage(there, "there");
    there.close();
    b.close();
  } finally {
    await within(other.terminate(), "termination of the other context");
  }
});

scenario(
  "a context without I/O threads does inproc and refuses tcp",
  async (s) => {
    const [one, two] = [s.open(Pair), s.open(Pair)];
    await s.join(one, two, "inproc");
    await two.send("hello");
    await expectMessage(one, "hello");
    assert.throws(() => s.open(Pair).connect("tcp://127.0.0.1:1"), {
      code: "EMTHREAD",
    });
    await assert.rejects(() => s.open(Pair).bind("tcp://127.0.0.1:*"), {
      code: "EMTHREAD",
    });
  },
  { context: { ioThreads: 0 } },
);
