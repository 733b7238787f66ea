import { beforeEach, describe, expect, test } from "vitest";
import { FakeBrowser } from "@/test/fake-world";
import { backoff } from "./backoff";

let browser: FakeBrowser;
beforeEach(() => {
  browser = new FakeBrowser();
});

const onlyStream = () => {
  expect(browser.streams).toHaveLength(1);
  return browser.streams[0] as (typeof browser.streams)[number];
};

describe("one stream for all tabs", () => {
  test("the topics of every tab are asked for once", () => {
    browser.open("a").want(["runs"]);
    browser.open("b").want(["runs", "run:1"]);
    browser.pass(100);
    expect(onlyStream()).toMatchObject({ tab: "a", topics: ["run:1", "runs"] });
  });

  test("a hint reaches every tab", () => {
    const heard: string[] = [];
    browser.open("a").want(["runs"]);
    const second = browser.open("b");
    second.want(["run:1"]);
    second.onHint((topic) => heard.push(topic));
    browser.pass(100);
    onlyStream().handlers.onHint("run:1");
    expect(heard).toEqual(["run:1"]);
  });

  test("when the leading tab closes, another takes over with all topics", () => {
    const first = browser.open("a");
    first.want(["runs"]);
    browser.open("b").want(["run:1"]);
    browser.open("c").want(["run:2"]);
    browser.pass(100);
    first.stop();
    browser.pass(100);
    expect(onlyStream()).toMatchObject({ tab: "b", topics: ["run:1", "run:2"] });
  });

  test("a page that is left is no longer asked about", () => {
    const hub = browser.open("a");
    hub.want(["runs"]);
    const leave = hub.want(["run:1"]);
    browser.pass(100);
    leave();
    browser.pass(100);
    expect(onlyStream().topics).toEqual(["runs"]);
  });

  test("two panels of one topic: it is kept until both are gone", () => {
    const hub = browser.open("a");
    const leave = hub.want(["runs"]);
    hub.want(["runs"]);
    leave();
    browser.pass(100);
    expect(onlyStream().topics).toEqual(["runs"]);
  });

  test("the same topics again do not reopen the stream", () => {
    const hub = browser.open("a");
    const leave = hub.want(["runs"]);
    browser.pass(100);
    const before = onlyStream();
    leave();
    hub.want(["runs"]);
    browser.pass(100);
    expect(onlyStream()).toBe(before);
  });
});

describe("a lost connection", () => {
  test("is shown in every tab with when the server was last heard", () => {
    browser.open("a").want(["runs"]);
    const second = browser.open("b");
    browser.pass(100);
    onlyStream().handlers.onOpen();
    browser.pass(5000);
    onlyStream().handlers.onHint("runs");
    browser.pass(2000);
    onlyStream().handlers.onLost();
    expect(second.state()).toEqual({ state: "lost", heardAt: 7100 });
  });

  test("is tried again, later each time", () => {
    const hub = browser.open("a");
    hub.want(["runs"]);
    browser.pass(100);
    onlyStream().handlers.onLost();
    expect(browser.streams).toHaveLength(0);
    browser.pass(1000);
    onlyStream().handlers.onLost();
    browser.pass(1999);
    expect(browser.streams).toHaveLength(0);
    browser.pass(1);
    onlyStream().handlers.onOpen();
    expect(hub.state().state).toBe("open");
  });

  test("keeps its age while it stays lost", () => {
    const hub = browser.open("a");
    hub.want(["runs"]);
    browser.pass(100);
    onlyStream().handlers.onOpen();
    onlyStream().handlers.onLost();
    browser.pass(1000);
    onlyStream().handlers.onLost();
    expect(hub.state()).toEqual({ state: "lost", heardAt: 100 });
  });

  test("is tried at once when any tab asks for it", () => {
    browser.open("a").want(["runs"]);
    const second = browser.open("b");
    browser.pass(100);
    onlyStream().handlers.onLost();
    second.reconnect();
    expect(browser.streams).toHaveLength(1);
  });
});

test("the wait grows to a quarter of a minute and no further", () => {
  expect([1, 2, 3, 4, 5, 60].map(backoff)).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000]);
});
