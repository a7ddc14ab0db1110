/**
 * typescript-eslint's strict type-checked rules, less those that fight the house style, plus the house style.
 * Formatting is nobody's business here. What may import what is dependency-cruiser's.
 */
import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import ts from 'typescript-eslint'

/** Folders of core whose code runs over typed arrays whose bounds were checked once, up front. */
const typedArrays = ['wire', 'flow', 'transposition', 'classify', 'tables', 'pipeline', 'datapath', 'switch'].map(folder => `packages/core/src/${folder}/**/*.ts`)

/** Of these the engine has none: time and randomness are parameters, and the outside is for adapters. */
const ambient = {
  time: ['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate'],
  randomness: ['crypto'],
  platform: ['process', 'Buffer', 'fetch', '__dirname', 'require'],
}

const houseSyntax = [
  { selector: 'TSEnumDeclaration', message: 'Write a const object and the type of its values.' },
  { selector: 'TSModuleDeclaration', message: 'A module is a file.' },
  { selector: 'TSParameterProperty', message: 'Declare the field and assign it.' },
  { selector: 'TSAsExpression > TSAsExpression > TSUnknownKeyword', message: 'An assertion through unknown hides a wrong type; decode it instead.' },
  { selector: 'ExportDefaultDeclaration', message: 'Export by name, so that a thing has one name.' },
]

export default defineConfig(
  globalIgnores(['**/dist/', '**/.out-*/', 'docs/api/', 'examples/.snippets/', 'coverage/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    rules: {
      eqeqeq: 'error',
      'no-constant-condition': ['error', { checkLoops: false }],
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx', 'hack'] }],
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [ts.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: 'only-allowed-literals' }],
      // Phantom parameters (a brand, a layer's name) stand once in a signature on purpose.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // `async` without await: an interface asks for a promise, and what is thrown becomes its rejection.
      '@typescript-eslint/require-await': 'off',
      // Overloads carry a docstring each.
      '@typescript-eslint/unified-signatures': 'off',
      'no-restricted-syntax': ['error', ...houseSyntax],
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '^fp-ts(?!/lib/.+\\.js$)', message: 'Import fp-ts/lib/X.js: other paths compile but fail at run time, or load all of it.' },
            { regex: '^io-ts/', message: "Import 'io-ts'." },
          ],
        },
      ],
    },
  },
  {
    files: ['packages/*/src/**/*.ts', 'examples/**/*.ts'],
    rules: { 'max-lines': ['error', 400] },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['packages/core/src/**/*.ts', 'packages/layers/src/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...ambient.time.map(name => ({ name, message: 'Time is a parameter (Clock).' })),
        ...ambient.randomness.map(name => ({ name, message: 'Randomness is a parameter.' })),
        ...ambient.platform.map(name => ({ name, message: 'The engine runs wherever JavaScript does.' })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Randomness is a parameter.' },
        ...ambient.time.map(property => ({ object: 'globalThis', property, message: 'Time is a parameter (Clock).' })),
      ],
    },
  },
  {
    // Under noUncheckedIndexedAccess `bytes[at]` is `number | undefined`. Where a length check stands before the loop,
    // `!` says so at no cost; elsewhere the undefined is a case to handle.
    files: [...typedArrays, 'packages/adapters/src/offload/**/*.ts', '**/{test,bench}/**/*.ts', 'packages/*/src/testing/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['packages/core/src/datapath/**/*.ts', 'packages/core/src/transposition/apply*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...houseSyntax, { selector: 'TryStatement', message: 'No exceptions per packet: verdicts and reasons are codes.' }],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: [{ group: ['fp-ts/**', 'immutable', 'io-ts'], allowTypeImports: true, message: 'Plain loops per packet: these allocate.' }] },
      ],
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', performance: 'readonly', URL: 'readonly' } },
  },
  { files: ['**/*.cjs'], languageOptions: { sourceType: 'commonjs', globals: { module: 'writable' } } },
)
