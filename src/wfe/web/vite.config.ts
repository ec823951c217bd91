import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// The bundle is embedded in the program. Its names do not change: the server says when a file is another.
export default defineConfig({
  resolve: {
    alias: { '@widgetapp/client': file('../../client/js/src/index.ts') },
    dedupe: ['yjs', 'y-indexeddb'],
  },
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    modulePreload: false,
    rollupOptions: {
      input: { editor: file('src/editor/main.ts'), home: file('src/home/main.ts'), kept: file('src/kept/main.ts'), admin: file('src/organisation/main.ts') },
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: '[name].js',
        assetFileNames: '[name][extname]',
        manualChunks: (id) => (/node_modules|client\/js|src\/(ajax|content|delete|dom|kept-copy)/.test(id) ? 'client' : undefined),
      },
    },
  },
});
