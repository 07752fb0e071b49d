/** The programs of docs/deferred.md. */
import {
  CancelledError,
  Deferred,
  DeferredSemaphore,
  gatherResults,
  inlineCallbacks,
  race,
  TimeoutError,
} from "@strombus/reactor/defer";
import { Clock, cooperate, deferLater, LoopingCall } from "@strombus/reactor/task";
import { failureResultOf, successResultOf } from "@strombus/reactor/testing";
import { expect, test } from "vitest";

/** Asks a slow oracle, which can be told to forget the question. */
class Oracle {
  readonly questions = new Map<string, Deferred<string>>();

  ask(question: string): Deferred<string> {
    const answer = new Deferred<string>(() => this.questions.delete(question));
    this.questions.set(question, answer);
    return answer;
  }

  answer(question: string, text: string) {
    this.questions.get(question)?.callback(text);
    this.questions.delete(question);
  }
}

test("callbacks, errbacks, and the chain that they make", () => {
  const oracle = new Oracle();
  const told: string[] = [];

  const answer = oracle
    .ask("how deep?")
    .addCallback((text) => Number(text))
    .addCallback((depth) => oracle.ask(`what is at ${depth}?`)) // waits for another
    .addErrback((failure) => {
      failure.trap(CancelledError); // anything else goes on as a failure
      return "nothing";
    });
  answer.addCallback((text) => void told.push(text));

  oracle.answer("how deep?", "7");
  expect(told).toEqual([]);
  oracle.answer("what is at 7?", "a ring");
  expect(told).toEqual(["a ring"]);
});

test("await, AbortSignal and time", async () => {
  const [oracle, clock] = [new Oracle(), new Clock()];

  const promise = Promise.resolve(oracle.ask("who?"));
  oracle.answer("who?", "nobody");
  expect(await promise).toBe("nobody");

  const controller = new AbortController();
  const hasty = oracle.ask("when?").addTimeout(10, clock);
  const abortable = oracle.ask("where?").addSignal(controller.signal);

  clock.advance(10);
  controller.abort();
  expect(failureResultOf(hasty).value).toBeInstanceOf(TimeoutError);
  expect(failureResultOf(abortable).value).toBeInstanceOf(CancelledError);
  expect(oracle.questions.size).toBe(0); // it has forgotten both
});

test("a generator that waits", () => {
  const oracle = new Oracle();
  const ask = inlineCallbacks(function* (first: string) {
    const answer: string = yield oracle.ask(first);
    try {
      return yield oracle.ask(`why ${answer}?`);
    } catch (error) {
      if (error instanceof CancelledError) return "no reason";
      throw error;
    }
  });
  const reason = ask("what?");
  oracle.answer("what?", "rain");
  reason.cancel(); // reaches the second question
  expect(successResultOf(reason)).toBe("no reason");
  expect(oracle.questions.size).toBe(0);
});

test("several at once", () => {
  const oracle = new Oracle();
  const all = gatherResults([oracle.ask("one"), oracle.ask("two")]);
  const first = race([oracle.ask("fast"), oracle.ask("slow")]); // the others are cancelled
  const few = new DeferredSemaphore(2);
  const polite = ["a", "b", "c"].map((question) => few.run(() => oracle.ask(question)));

  oracle.answer("two", "2");
  oracle.answer("one", "1");
  oracle.answer("fast", "won");
  expect(successResultOf(all)).toEqual(["1", "2"]);
  expect(successResultOf(first)).toEqual([0, "won"]);
  expect([...oracle.questions.keys()]).toEqual(["a", "b"]);
  oracle.answer("a", "!");
  expect([...oracle.questions.keys()]).toEqual(["b", "c"]);
  for (const question of ["b", "c"]) oracle.answer(question, "!");
  expect(polite.map((each) => successResultOf(each))).toEqual(["!", "!", "!"]);
});

test("later, again, and in turns", async () => {
  const clock = new Clock();
  const beats: number[] = [];

  const heart = new LoopingCall(() => void beats.push(clock.seconds()));
  heart.clock = clock;
  void heart.start(1);
  deferLater(clock, 3.5, () => heart.stop());
  clock.pump([1, 1, 1, 1, 1]);
  expect(beats).toEqual([0, 1, 2, 3]);

  function* digits() {
    for (let digit = 0; digit < 10; digit++) {
      beats.push(digit);
      yield; // others have their turn
    }
  }
  await cooperate(digits()).whenDone();
  expect(beats).toHaveLength(14);
});
