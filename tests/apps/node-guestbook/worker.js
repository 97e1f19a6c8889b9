// The worker process: counts what the web process took.
const { connect } = require('./redis');

const redis = connect('worker');

async function work() {
  for (;;) {
    if (!redis.isReady) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    const job = await redis.brPop('to-count', 1).catch(() => null);
    if (job) {
      const count = await redis.incr('counted');
      console.log(`counted ${count}: ${job.element}`);
    }
  }
}

process.on('SIGTERM', () => {
  console.log('closing');
  process.exit(0);
});

console.log('waiting for entries');
work();
