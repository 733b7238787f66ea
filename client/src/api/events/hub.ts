/**
 * One event stream for all tabs of this browser.
 *
 * HTTP/1.1 gives a browser six connections to an origin, so one tab (whoever holds the Web Lock)
 * opens the stream for the topics that any tab wants, and tells the others over a broadcast channel.
 */
import { backoff } from "./backoff";

export type ConnectionState = {
  state: "connecting" | "open" | "lost";
  /** When the server was last heard from, in ms since 1970. */
  heardAt: number;
};

export type HubMessage =
  | { kind: "ask" }
  | { kind: "reconnect" }
  | { kind: "want"; tab: string; topics: string[] }
  | { kind: "hint"; topic: string }
  | { kind: "state"; state: ConnectionState };

/** An open stream; closing it twice is harmless. */
export type Stream = { close(): void };
export type StreamHandlers = { onOpen(): void; onHint(topic: string): void; onLost(): void };

/** What the hub needs of the browser; tests bring their own. */
export type HubWorld = {
  tab: string;
  openStream(topics: string[], handlers: StreamHandlers): Stream;
  /** Call `lead` when this tab becomes the leader; it stays so until `release`d. */
  elect(lead: () => void): { release(): void };
  post(message: HubMessage): void;
  listen(take: (message: HubMessage) => void): void;
  now(): number;
  after(ms: number, run: () => void): () => void;
};

const SETTLE_MS = 100; // lets a page's panels name their topics before the stream is opened anew

export class EventHub {
  private readonly world: HubWorld;
  private readonly wanted = new Map<string, number>();
  private readonly tabs = new Map<string, string[]>();
  private readonly hintTakers = new Set<(topic: string) => void>();
  private readonly stateTakers = new Set<() => void>();
  private connection: ConnectionState;
  private election: { release(): void } | null = null;
  private isRunning = false;
  private isLeader = false;
  private stream: Stream | null = null;
  private streamTopics = "";
  private failures = 0;
  private cancelTimer: () => void = () => {};

  constructor(world: HubWorld) {
    this.world = world;
    this.connection = { state: "connecting", heardAt: world.now() };
    world.listen((message) => this.take(message));
  }

  start(): void {
    this.isRunning = true;
    this.election ??= this.world.elect(() => this.lead());
    this.announce();
  }

  stop(): void {
    this.isRunning = false;
    this.world.post({ kind: "want", tab: this.world.tab, topics: [] });
    this.cancelTimer();
    this.stream?.close();
    this.stream = null;
    this.streamTopics = "";
    this.isLeader = false;
    this.election?.release();
    this.election = null;
  }

  /** Want hints about these topics until the returned function is called. */
  want(topics: readonly string[]): () => void {
    for (const topic of topics) this.wanted.set(topic, (this.wanted.get(topic) ?? 0) + 1);
    this.announce();
    return () => {
      for (const topic of topics) {
        const left = (this.wanted.get(topic) ?? 1) - 1;
        if (left > 0) this.wanted.set(topic, left);
        else this.wanted.delete(topic);
      }
      this.announce();
    };
  }

  onHint(take: (topic: string) => void): () => void {
    this.hintTakers.add(take);
    return () => this.hintTakers.delete(take);
  }

  onState = (take: () => void): (() => void) => {
    this.stateTakers.add(take);
    return () => this.stateTakers.delete(take);
  };

  state = (): ConnectionState => this.connection;

  /** Try again at once, as the person or a network that came back asks. */
  reconnect(): void {
    if (this.isLeader) this.retry();
    else this.world.post({ kind: "reconnect" });
  }

  private retry(): void {
    this.failures = 0;
    this.streamTopics = "";
    this.reopen();
  }

  private lead(): void {
    this.isLeader = true;
    this.world.post({ kind: "ask" });
    this.settle();
  }

  private announce(): void {
    if (!this.isRunning) return;
    const topics = [...this.wanted.keys()];
    this.world.post({ kind: "want", tab: this.world.tab, topics });
    this.tabs.set(this.world.tab, topics);
    this.settle();
  }

  private take(message: HubMessage): void {
    switch (message.kind) {
      case "ask":
        this.announce();
        break;
      case "reconnect":
        if (this.isLeader) this.retry();
        break;
      case "want":
        if (message.topics.length > 0) this.tabs.set(message.tab, message.topics);
        else this.tabs.delete(message.tab);
        this.settle();
        break;
      case "hint":
        this.hear(message.topic);
        break;
      case "state":
        this.show(message.state);
        break;
    }
  }

  private settle(): void {
    if (!this.isLeader) return;
    this.schedule(SETTLE_MS);
  }

  private schedule(ms: number): void {
    this.cancelTimer();
    this.cancelTimer = this.world.after(ms, () => this.reopen());
  }

  private reopen(): void {
    const topics = [...new Set([...this.tabs.values()].flat())].sort();
    const joined = topics.join(",");
    if (joined === this.streamTopics) return;
    this.stream?.close();
    this.stream = null;
    this.streamTopics = joined;
    if (topics.length === 0) return;
    this.stream = this.world.openStream(topics, {
      onOpen: () => this.opened(),
      onHint: (topic) => this.heard(topic),
      onLost: () => this.lost(),
    });
  }

  /** The server begins each stream with a hint for every topic, so that nothing is missed. */
  private opened(): void {
    this.failures = 0;
    this.tell({ state: "open", heardAt: this.world.now() });
  }

  private heard(topic: string): void {
    this.world.post({ kind: "hint", topic });
    this.hear(topic);
    this.tell({ state: "open", heardAt: this.world.now() });
  }

  private lost(): void {
    this.stream?.close();
    this.stream = null;
    this.streamTopics = "";
    this.failures += 1;
    const heardAt = this.connection.state === "open" ? this.world.now() : this.connection.heardAt;
    this.tell({ state: "lost", heardAt });
    this.schedule(backoff(this.failures));
  }

  private tell(state: ConnectionState): void {
    this.world.post({ kind: "state", state });
    this.show(state);
  }

  private hear(topic: string): void {
    for (const take of this.hintTakers) take(topic);
  }

  private show(state: ConnectionState): void {
    this.connection = state;
    for (const take of this.stateTakers) take();
  }
}
