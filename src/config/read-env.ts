import fastifyEnv from '@fastify/env';
import fastify from 'fastify';
import { z } from 'zod';
import { ENV } from './env.ts';

/**
 * The environment with `.env` under it, each setting as text with its default. The only place that reads
 * `process.env`: the schema's input side goes to @fastify/env as JSON Schema, its output side to `loadConfig`.
 */
export async function readEnv(): Promise<Record<string, string>> {
  const { properties } = z.toJSONSchema(ENV, { io: 'input' });
  const reader = fastify({ logger: false });
  const dotenv: object = { quiet: true };
  await reader.register(fastifyEnv, { confKey: 'env', dotenv, schema: { type: 'object', properties } as object });
  const { env } = reader as unknown as { env: Record<string, string> };
  await reader.close();
  return { ...env };
}
