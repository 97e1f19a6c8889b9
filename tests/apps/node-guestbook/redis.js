// One connection to the Redis that REDIS_URL names, tried again for as long as it takes.
const { createClient } = require('redis');

exports.connect = (name) => {
  let complained = false;
  const client = createClient({
    url: process.env.REDIS_URL,
    disableOfflineQueue: true,
    socket: { reconnectStrategy: () => 500 },
  });
  client.on('error', (error) => {
    if (!complained) console.log(`${name}: Redis: ${error.code || error.message}`);
    complained = true;
  });
  client.on('ready', () => {
    console.log(`${name}: Redis is there`);
    complained = false;
  });
  client.connect().catch(() => {});
  return client;
};
