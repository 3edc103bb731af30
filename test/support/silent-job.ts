// A job's worker that never says anything and never comes back.
for (;;);
