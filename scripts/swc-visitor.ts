/**
 * dependency-cruiser finds imports with the visitor of @swc/core, which is no longer developed and stops at a `using`
 * declaration. Importing this file teaches it.
 */
import type { VariableDeclarator } from '@swc/core';
import { Visitor } from '@swc/core/Visitor.js';

const { visitStatement } = Visitor.prototype;

Visitor.prototype.visitStatement = function (statement) {
  // The types of @swc/core do not know the node either.
  const { type, decls }: { type: string; decls?: VariableDeclarator[] } = statement;
  if (type !== 'UsingDeclaration' || decls === undefined) return visitStatement.call(this, statement);
  this.visitVariableDeclarators(decls);
  return statement;
};
