import type { Encodable } from './bson-writer.ts';

/** MongoDB's error codes by name, as far as this server raises them. */
const codes = {
  InternalError: 1,
  BadValue: 2,
  FailedToParse: 9,
  TypeMismatch: 14,
  InvalidBSON: 22,
  IllegalOperation: 20,
  NamespaceNotFound: 26,
  IndexNotFound: 27,
  PathNotViable: 28,
  ConflictingUpdateOperators: 40,
  CursorNotFound: 43,
  NamespaceExists: 48,
  DollarPrefixedFieldName: 52,
  InvalidIdField: 53,
  CommandNotFound: 59,
  ImmutableField: 66,
  CannotCreateIndex: 67,
  InvalidOptions: 72,
  InvalidNamespace: 73,
  IndexOptionsConflict: 85,
  IndexKeySpecsConflict: 86,
  CannotIndexParallelArrays: 171,
  QueryPlanKilled: 175,
  QueryExceededMemoryLimitNoDiskUseAllowed: 292,
  BSONObjectTooLarge: 10334,
  DuplicateKey: 11000,
  UnrecognizedStage: 40324,
} as const;

export type CodeName = keyof typeof codes;

/** A failure that the client is told of: MongoDB's code and name, and the fields some of them carry. */
export class MongoError extends Error {
  readonly codeName: CodeName;
  readonly code: number;
  readonly fields: Record<string, Encodable>;

  constructor(codeName: CodeName, message: string, fields: Record<string, Encodable> = {}) {
    super(message);
    this.codeName = codeName;
    this.code = codes[codeName];
    this.fields = fields;
  }
}

/** The disk refused a write: what is in memory may no longer be what is stored, so the process must end. */
export class StorageFailure extends Error {}

/** The operator, stage or option is MongoDB's, but this database does not have it. */
export function unsupported(what: string): MongoError {
  return new MongoError('FailedToParse', `${what} is not supported by the embedded database`);
}
