// Builds the page that the program carries in itself: few files, nothing inline, so that the strictest content security
// policy holds.  `npm run dev` talks to a running `salvage serve`: SALVAGE_SERVER=http://127.0.0.1:PORT npm run dev.
import process from 'node:process';
import { defineConfig } from 'vite';

const server = process.env.SALVAGE_SERVER ?? 'http://127.0.0.1:8421';
const proxied = {
  target: server,
  changeOrigin: true,
  // The server takes changes from its own origin alone.
  configure: (proxy) => proxy.on('proxyReq', (request) => request.hasHeader('origin') && request.setHeader('origin', server)),
};

export default defineConfig({
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    emptyOutDir: true,
    rollupOptions: {
      output: {
        entryFileNames: 'assets/[name]-[hash].js',
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: 'assets/[name]-[hash][extname]',
      },
    },
  },
  esbuild: { legalComments: 'none' },
  server: { host: '127.0.0.1', proxy: { '/api': proxied, '/open': proxied } },
});
