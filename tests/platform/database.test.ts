import { expect } from 'chai';
import { Schema } from 'mongoose';
import { createDatabase } from '../../src/platform/database.ts';
import { freshDatabaseUri } from '../support/database.ts';

describe('the connection to the database', () => {
  let database: ReturnType<typeof createDatabase>;
  const commands = new Map<string, Record<string, unknown>>();

  before(async () => {
    const uri = new URL(freshDatabaseUri());
    uri.searchParams.set('monitorCommands', 'true');
    database = createDatabase(uri.href);
    // as stores do: models are made before the connection is open
    database.connection.model('Thing', new Schema({ name: String }));
    await database.open();
    database.connection
      .getClient()
      .on('commandStarted', ({ commandName, command }) => commands.set(commandName, command));
  });
  after(async () => {
    await database.connection.dropDatabase();
    await database.close();
  });

  it('reads only what a majority has, by the driver and by models', async () => {
    const { Thing } = database.connection.models;
    const { collection } = Thing ?? expect.fail();
    const reads = {
      find: () => collection.findOne({ name: 'a' }),
      aggregate: () => collection.countDocuments(),
      distinct: () => collection.distinct('name'),
      count: () => collection.estimatedDocumentCount(),
    };
    for (const [command, read] of Object.entries(reads)) {
      await read();
      expect(commands.get(command), command).to.have.deep.property('readConcern', { level: 'majority' });
    }
    commands.clear();
    await Thing?.find({ name: 'a' }).lean();
    expect(commands.get('find')).to.have.deep.property('readConcern', { level: 'majority' });
  });

  it('has writes acknowledged when a majority has them on disk, and sees them then', async () => {
    const things = database.connection.collection('things');
    await things.insertOne({ name: 'b' });
    expect(commands.get('insert')).to.have.deep.property('writeConcern', { w: 'majority', j: true });
    expect(await things.findOne({ name: 'b' })).to.include({ name: 'b' });
  });
});
