// The web process: shows the entries and takes new ones. Without its Redis it answers all the same.
const express = require('express');
const { connect } = require('./redis');

const app = express();
const redis = connect('web');

app.get('/', async (request, response) => {
  const entries = redis.isReady ? await redis.lRange('entries', 0, -1) : [];
  response.type('text').send([process.env.GREETING, ...entries, ''].join('\n'));
});

app.get('/status', (request, response) => {
  response.json({ redis: redis.isReady, secret: process.env.SECRET_KEY.length });
});

app.get('/counted', async (request, response) => {
  response.type('text').send(`${(redis.isReady && (await redis.get('counted'))) || 0}\n`);
});

app.post('/', express.text(), async (request, response) => {
  if (!redis.isReady) return response.status(503).send('no Redis\n');
  await redis.rPush('entries', request.body);
  await redis.lPush('to-count', request.body);
  response.status(201).send('written\n');
});

const server = app.listen(process.env.PORT || 3000, () => {
  console.log(`listening on port ${server.address().port}`);
});

process.on('SIGTERM', () => {
  console.log('closing');
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
