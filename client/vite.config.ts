import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { noCircles } from "./scripts/circles.ts";

const SMALLEST = 1024; // bytes; below, a compressed copy saves no packet

/** Put .br and .gz beside every text asset, so that the server never compresses. */
function precompress(): Plugin {
  return {
    name: "precompress",
    apply: "build",
    async writeBundle({ dir }) {
      if (dir === undefined) return;
      const names = await readdir(dir, { recursive: true });
      const texts = names.filter((name) => /\.(js|css|html|svg|json)$/.test(name));
      await Promise.all(texts.map((name) => compressFile(join(dir, name))));
    },
  };
}

async function compressFile(path: string): Promise<void> {
  const body = await readFile(path);
  if (body.length < SMALLEST) return;
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  await writeFile(`${path}.br`, await promisify(brotliCompress)(body, { params }));
  await writeFile(`${path}.gz`, await promisify(gzip)(body, { level: 9 }));
}

const BOT = process.env["KRSP_PUBLIC_URL"] ?? "http://127.0.0.1:3978";

const CURVES = /uplot|shared.chart.(line-chart|chart-options|readout|dot-chart|dot-options)/;

/**
 * What several pages share, in two files: a browser has only six connections to the bot. Packages
 * never import our code, so no file imports another in a circle: in a circle a class can come
 * before the class that it extends, and no page starts; `noCircles` refuses such a build.
 */
const PACKAGES = {
  name: "packages",
  test: (id: string) => id.includes("node_modules") && !CURVES.test(id),
  minShareCount: 2,
  priority: 1,
};

const SHARED = {
  name: "shared",
  test: (id: string) => !CURVES.test(id),
  minShareCount: 2,
};

export default defineConfig({
  plugins: [react(), noCircles(), precompress()],
  resolve: { tsconfigPaths: true },
  build: {
    target: "es2023",
    manifest: true,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: { groups: [PACKAGES, SHARED] },
        chunkFileNames: ({ name }) => `assets/${name.replace(/~.*/, "")}-[hash].js`,
      },
    },
  },
  server: {
    host: "127.0.0.1",
    // The bot checks Origin, so the proxy speaks as the bot's own page.
    proxy: {
      "^/(api|auth)/": { target: BOT, changeOrigin: true, headers: { origin: BOT } },
    },
  },
  test: {
    environment: "jsdom",
    setupFiles: ["src/test/setup.ts"],
    css: false,
    isolate: false, // Fluent is evaluated once, not once a file: minutes less on two cores
    testTimeout: 30_000,
    restoreMocks: true,
  },
});
