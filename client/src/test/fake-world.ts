/** A browser for event hubs: some tabs, one lock, a channel between them, and a clock that is told. */
import { EventHub, type HubMessage, type StreamHandlers } from "@/api/events/hub";

export type OpenStream = { tab: string; topics: string[]; handlers: StreamHandlers };

export class FakeBrowser {
  time = 0;
  readonly streams: OpenStream[] = [];
  private readonly takers = new Map<string, (message: HubMessage) => void>();
  private waiting: { tab: string; lead: () => void }[] = [];
  private leader: string | null = null;
  private timers: { at: number; run: () => void }[] = [];

  open(tab: string): EventHub {
    const hub = new EventHub({
      tab,
      openStream: (topics, handlers) => {
        const stream = { tab, topics, handlers };
        this.streams.push(stream);
        return { close: () => this.drop(stream) };
      },
      elect: (lead) => {
        this.waiting.push({ tab, lead });
        this.electNext();
        return { release: () => this.release(tab) };
      },
      post: (message) => {
        for (const [other, take] of this.takers) if (other !== tab) take(message);
      },
      listen: (take) => this.takers.set(tab, take),
      now: () => this.time,
      after: (ms, run) => this.later(ms, run),
    });
    hub.start();
    return hub;
  }

  /** Let time pass, running what is due in order. */
  pass(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const next = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.time = next.at;
      next.run();
    }
    this.time = end;
  }

  private later(ms: number, run: () => void): () => void {
    const timer = { at: this.time + ms, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  private drop(stream: OpenStream): void {
    const place = this.streams.indexOf(stream);
    if (place >= 0) this.streams.splice(place, 1);
  }

  private release(tab: string): void {
    this.waiting = this.waiting.filter((other) => other.tab !== tab);
    if (this.leader === tab) this.leader = null;
    this.electNext();
  }

  private electNext(): void {
    if (this.leader !== null) return;
    const next = this.waiting.shift();
    if (next === undefined) return;
    this.leader = next.tab;
    next.lead();
  }
}
