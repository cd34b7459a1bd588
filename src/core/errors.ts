/** A text in every language that errors are told in. */
export interface Text {
  en: string;
  zh: string;
}

export type Locale = keyof Text;

interface CatalogueEntry {
  status: number;
  title: Text;
  /** Whether the same call may succeed later without being changed. */
  retryable: boolean;
}

/** Every error a client can meet: stable code → HTTP status, title, and whether repeating helps. */
const errorCatalogue = {
  validation_failed: {
    status: 400,
    title: { en: 'The input is not valid', zh: '请求内容无效' },
    retryable: false,
  },
  code_invalid: {
    status: 400,
    title: { en: 'The code is not right or no longer good', zh: '验证码错误或已失效' },
    retryable: false,
  },
  image_invalid: {
    status: 400,
    title: { en: 'The picture cannot be read', zh: '无法读取图片' },
    retryable: false,
  },
  unknown_event: {
    status: 400,
    title: { en: 'There is no such event', zh: '没有这个事件' },
    retryable: false,
  },
  unauthenticated: { status: 401, title: { en: 'Please log in', zh: '请先登录' }, retryable: false },
  invalid_credentials: {
    status: 401,
    title: { en: 'Wrong account or password', zh: '账号或密码错误' },
    retryable: false,
  },
  not_allowed: {
    status: 403,
    title: { en: 'This is not allowed', zh: '没有权限进行此操作' },
    retryable: false,
  },
  muted: {
    status: 403,
    title: { en: 'You may not write here at the moment', zh: '你已被禁言' },
    retryable: true,
  },
  proof_invalid: {
    status: 403,
    title: { en: 'This does not prove who you are', zh: '身份验证未通过' },
    retryable: false,
  },
  not_found: { status: 404, title: { en: 'Not found', zh: '未找到' }, retryable: false },
  idempotency_mismatch: {
    status: 409,
    title: {
      en: 'This clientMessageId was used for another message',
      zh: '该 clientMessageId 已用于另一条消息',
    },
    retryable: false,
  },
  email_taken: { status: 409, title: { en: 'This e-mail is taken', zh: '该邮箱已被注册' }, retryable: false },
  phone_taken: {
    status: 409,
    title: { en: 'This phone is taken', zh: '该手机号已被注册' },
    retryable: false,
  },
  already_friends: {
    status: 409,
    title: { en: 'You are friends already', zh: '你们已经是好友' },
    retryable: false,
  },
  message_recalled: {
    status: 409,
    title: { en: 'This message was recalled', zh: '该消息已撤回' },
    retryable: false,
  },
  recall_expired: {
    status: 409,
    title: { en: 'It is too late to recall this message', zh: '已超过可撤回的时间' },
    retryable: false,
  },
  edit_expired: {
    status: 409,
    title: { en: 'It is too late to edit this message', zh: '已超过可编辑的时间' },
    retryable: false,
  },
  owner_cannot_leave: {
    status: 409,
    title: { en: 'The owner has to transfer or dissolve the group', zh: '群主须先转让或解散群组' },
    retryable: false,
  },
  limit_reached: { status: 409, title: { en: 'A limit is reached', zh: '已达到上限' }, retryable: false },
  payload_too_large: {
    status: 413,
    title: { en: 'The input is too large', zh: '请求内容过大' },
    retryable: false,
  },
  unsupported_media_type: {
    status: 415,
    title: { en: 'This kind of content is not taken', zh: '不支持该内容类型' },
    retryable: false,
  },
  range_not_satisfiable: {
    status: 416,
    title: { en: 'The file has no such part', zh: '文件没有所请求的部分' },
    retryable: false,
  },
  rate_limited: { status: 429, title: { en: 'Too many requests', zh: '请求过于频繁' }, retryable: true },
  internal: { status: 500, title: { en: 'Something went wrong', zh: '服务器内部错误' }, retryable: true },
  unavailable: {
    status: 503,
    title: { en: 'Not available at the moment, please repeat', zh: '服务暂时不可用，请重试' },
    retryable: true,
  },
  delivery_unavailable: {
    status: 503,
    title: { en: 'No code can be sent at the moment', zh: '暂时无法发送验证码' },
    retryable: true,
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

export interface FieldError {
  path: string;
  message: string;
}

interface AppErrorOptions {
  /** Where HTTP has a status that says more than the code's. */
  status?: number;
  detail?: Text;
  /** What is wrong with which field, in every language. */
  fields?: Record<Locale, FieldError[]>;
  /** Members of the problem object beside the standard ones, such as `retryAfterMs`. */
  extra?: Record<string, unknown>;
  cause?: unknown;
}

/** A failure that a client is told about by its code. Everything else that is thrown is `internal`. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly options: AppErrorOptions;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.detail?.en ?? errorCatalogue[code].title.en, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.options = options;
  }
}

/** RFC 9457 problem details, as REST and every socket answer them. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: ErrorCode;
  detail?: string;
  requestId: string;
  errors?: FieldError[];
  [extra: string]: unknown;
}

export function toProblem(error: AppError, context: { locale: Locale; requestId: string }): Problem {
  const { title, ...entry } = errorCatalogue[error.code];
  const { status = entry.status, detail, fields, extra } = error.options;
  return {
    type: `urn:parley:error:${error.code}`,
    title: title[context.locale],
    status,
    code: error.code,
    ...(detail && { detail: detail[context.locale] }),
    requestId: context.requestId,
    ...(fields && { errors: fields[context.locale] }),
    ...extra,
  };
}

/** A `validation_failed` about one field. */
export function invalidField(path: string, message: Text): AppError {
  return new AppError('validation_failed', {
    fields: { en: [{ path, message: message.en }], zh: [{ path, message: message.zh }] },
  });
}
