"""SQLSTATE: what each of PostgreSQL's codes means for a retry, by code and by the name of the exception class.

The codes are those of the PostgreSQL manual's appendix A; the names beside them are the classes of psycopg 3 and
psycopg2, by which a psycopg2 error made by hand is known. A code that is not listed falls back on its class, the first
two characters, which the SQL standard, MySQL and ODBC share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..recognition import classes_of
from . import sql_verdicts as say

if TYPE_CHECKING:
    from ..classification import Classification

_ROWS: tuple[tuple[Classification, str], ...] = (
    # Class 02, no data
    (say.NO_DATA, "02000:NoData 02001:NoAdditionalDynamicResultSetsReturned"),
    # Class 08, the connection
    (
        say.UNREACHABLE,
        """
        08001:SqlclientUnableToEstablishSqlconnection 08004:SqlserverRejectedEstablishmentOfSqlconnection
        """,
    ),
    (say.LOST, "08000:ConnectionException 08003:ConnectionDoesNotExist 08006:ConnectionFailure"),
    # what became of the transaction is not known
    (say.IN_DOUBT, "08007:TransactionResolutionUnknown 40003:StatementCompletionUnknown"),
    # also PgBouncer's word for several ills of the moment
    (say.STUMBLED, "08P01:ProtocolViolation"),
    # Class 22 and others, the data
    (
        say.BAD_DATA,
        """
        10608:InvalidArgumentForXquery 20000:CaseNotFound 21000:CardinalityViolation 23502:NotNullViolation
        23514:CheckViolation 44000:WithCheckOptionViolation 22000:DataException
        22001:StringDataRightTruncation 22002:NullValueNoIndicatorParameter 22003:NumericValueOutOfRange
        22004:NullValueNotAllowed 22005:ErrorInAssignment 22007:InvalidDatetimeFormat
        22008:DatetimeFieldOverflow 22009:InvalidTimeZoneDisplacementValue 2200B:EscapeCharacterConflict
        2200C:InvalidUseOfEscapeCharacter 2200D:InvalidEscapeOctet 2200F:ZeroLengthCharacterString
        2200G:MostSpecificTypeMismatch 2200H:SequenceGeneratorLimitExceeded 2200L:NotAnXmlDocument
        2200M:InvalidXmlDocument 2200N:InvalidXmlContent 2200S:InvalidXmlComment
        2200T:InvalidXmlProcessingInstruction 22010:InvalidIndicatorParameterValue 22011:SubstringError
        22012:DivisionByZero 22013:InvalidPrecedingOrFollowingSize 22014:InvalidArgumentForNtileFunction
        22015:IntervalFieldOverflow 22016:InvalidArgumentForNthValueFunction
        22018:InvalidCharacterValueForCast 22019:InvalidEscapeCharacter 2201B:InvalidRegularExpression
        2201E:InvalidArgumentForLogarithm 2201F:InvalidArgumentForPowerFunction
        2201G:InvalidArgumentForWidthBucketFunction 2201W:InvalidRowCountInLimitClause
        2201X:InvalidRowCountInResultOffsetClause 22021:CharacterNotInRepertoire 22022:IndicatorOverflow
        22023:InvalidParameterValue 22024:UnterminatedCString 22025:InvalidEscapeSequence
        22026:StringDataLengthMismatch 22027:TrimError 2202E:ArraySubscriptError
        2202G:InvalidTablesampleRepeat 2202H:InvalidTablesampleArgument 22030:DuplicateJsonObjectKeyValue
        22031:InvalidArgumentForSqlJsonDatetimeFunction 22032:InvalidJsonText 22033:InvalidSqlJsonSubscript
        22034:MoreThanOneSqlJsonItem 22035:NoSqlJsonItem 22036:NonNumericSqlJsonItem
        22037:NonUniqueKeysInAJsonObject 22038:SingletonSqlJsonItemRequired 22039:SqlJsonArrayNotFound
        2203A:SqlJsonMemberNotFound 2203B:SqlJsonNumberNotFound 2203C:SqlJsonObjectNotFound
        2203D:TooManyJsonArrayElements 2203E:TooManyJsonObjectMembers 2203F:SqlJsonScalarRequired
        2203G:SqlJsonItemCannotBeCastToTargetType 22P01:FloatingPointException
        22P02:InvalidTextRepresentation 22P03:InvalidBinaryRepresentation 22P04:BadCopyFileFormat
        22P05:UntranslatableCharacter 22P06:NonstandardUseOfEscapeCharacter
        """,
    ),
    # Class 23, integrity
    (say.UNIQUE, "23505:UniqueViolation"),
    (
        say.IN_THE_WAY,
        """
        23000:IntegrityConstraintViolation 23001:RestrictViolation 23503:ForeignKeyViolation
        23P01:ExclusionViolation 2B000:DependentPrivilegeDescriptorsStillExist
        2BP01:DependentObjectsStillExist 27000:TriggeredDataChangeViolation
        40002:TransactionIntegrityConstraintViolation 55000:ObjectNotInPrerequisiteState
        55P04:UnsafeNewEnumValueUsage
        """,
    ),
    # Class 25, the transaction's state
    (say.READ_ONLY, "25006:ReadOnlySqlTransaction"),
    # the session sat idle inside a transaction
    (say.IDLED, "25P03:IdleInTransactionSessionTimeout 57P05:IdleSessionTimeout"),
    # it was cut short, with its session
    (say.STOPPED, "25P04:TransactionTimeout 57P01:AdminShutdown 57P02:CrashShutdown"),
    # Class 28, who may come in, and what they may do
    (say.NOT_LET_IN, "28000:InvalidAuthorizationSpecification 28P01:InvalidPassword"),
    (
        say.FORBIDDEN,
        """
        0L000:InvalidGrantor 0LP01:InvalidGrantOperation 42501:InsufficientPrivilege
        2F002:ModifyingSqlDataNotPermitted 2F003:ProhibitedSqlStatementAttempted
        2F004:ReadingSqlDataNotPermitted 38001:ContainingSqlNotPermitted
        38002:ModifyingSqlDataNotPermittedExt 38003:ProhibitedSqlStatementAttemptedExt
        38004:ReadingSqlDataNotPermittedExt
        """,
    ),
    # Class 3D and 3F, and of 42: what is not there, mostly for a migration that was not run
    (
        say.MISSING,
        """
        0P000:InvalidRoleSpecification 3D000:InvalidCatalogName 3F000:InvalidSchemaName 42P01:UndefinedTable
        42703:UndefinedColumn 42883:UndefinedFunction 42704:UndefinedObject 57P04:DatabaseDropped
        """,
    ),
    # Class 40, rolled back
    (say.SERIALIZATION, "40000:TransactionRollback 40001:SerializationFailure 72000:SnapshotTooOld"),
    (say.DEADLOCK, "40P01:DeadlockDetected"),
    # Class 42, syntax and names
    (
        say.EXISTS,
        """
        42701:DuplicateColumn 42723:DuplicateFunction 42P04:DuplicateDatabase 42P06:DuplicateSchema
        42P07:DuplicateTable 42710:DuplicateObject
        """,
    ),
    # what else the statement got wrong, or this server cannot do
    (
        say.WRONG_SQL,
        """
        42000:SyntaxErrorOrAccessRuleViolation 42601:SyntaxError 42602:InvalidName
        42611:InvalidColumnDefinition 42622:NameTooLong 42702:AmbiguousColumn 42712:DuplicateAlias
        42725:AmbiguousFunction 42803:GroupingError 42804:DatatypeMismatch 42809:WrongObjectType
        42830:InvalidForeignKey 42846:CannotCoerce 428C9:GeneratedAlways 42939:ReservedName
        42P02:UndefinedParameter 42P03:DuplicateCursor 42P08:AmbiguousParameter 42P09:AmbiguousAlias
        42P10:InvalidColumnReference 42P11:InvalidCursorDefinition 42P12:InvalidDatabaseDefinition
        42P13:InvalidFunctionDefinition 42P14:InvalidPreparedStatementDefinition
        42P15:InvalidSchemaDefinition 42P16:InvalidTableDefinition 42P17:InvalidObjectDefinition
        42P18:IndeterminateDatatype 42P19:InvalidRecursion 42P20:WindowingError 42P21:CollationMismatch
        42P22:IndeterminateCollation 0A000:FeatureNotSupported
        """,
    ),
    # a call out of order: of cursors, savepoints, transactions
    (
        say.MISUSE,
        """
        03000:SqlStatementNotYetComplete 09000:TriggeredActionException 0B000:InvalidTransactionInitiation
        0F000:LocatorException 0F001:InvalidLocatorSpecification 0Z000:DiagnosticsException
        0Z002:StackedDiagnosticsAccessedWithoutActiveHandler 24000:InvalidCursorState
        25000:InvalidTransactionState 25001:ActiveSqlTransaction 25002:BranchTransactionAlreadyActive
        25003:InappropriateAccessModeForBranchTransaction
        25004:InappropriateIsolationLevelForBranchTransaction
        25005:NoActiveSqlTransactionForBranchTransaction 25007:SchemaAndDataStatementMixingNotSupported
        25008:HeldCursorRequiresSameIsolationLevel 25P01:NoActiveSqlTransaction 25P02:InFailedSqlTransaction
        2D000:InvalidTransactionTermination 2F000:SqlRoutineException
        2F005:FunctionExecutedNoReturnStatement 34000:InvalidCursorName 38000:ExternalRoutineException
        39000:ExternalRoutineInvocationException 39001:InvalidSqlstateReturned 39004:NullValueNotAllowedExt
        39P01:TriggerProtocolViolated 39P02:SrfProtocolViolated 39P03:EventTriggerProtocolViolated
        3B000:SavepointException 3B001:InvalidSavepointSpecification
        """,
    ),
    # prepared statements behind a pooler that gives each transaction another session
    (
        say.BAD_SETUP,
        """
        26000:InvalidSqlStatementName 42P05:DuplicatePreparedStatement 55P02:CantChangeRuntimeParam
        F0000:ConfigFileError F0001:LockFileExists
        """,
    ),
    # Class 53, resources, and class 54, limits
    (say.OUT_OF_MEMORY, "53000:InsufficientResources 53200:OutOfMemory HV001:FdwOutOfMemory"),
    (say.DISK_FULL, "53100:DiskFull"),
    (say.TOO_MANY, "53300:TooManyConnections"),
    (say.USED_UP, "53400:ConfigurationLimitExceeded"),
    (say.TOO_LARGE, "54000:ProgramLimitExceeded 54001:StatementTooComplex 54011:TooManyColumns 54023:TooManyArguments"),
    # Class 55, not now
    (say.LOCKED, "55P03:LockNotAvailable"),
    (say.CHANGED, "55006:ObjectInUse"),
    # Class 57, an operator's hand
    (say.TOO_SLOW, "57014:QueryCanceled"),
    (say.NOT_READY, "57P03:CannotConnectNow"),
    (say.FAILED_OVER, "57000:OperatorIntervention"),
    # Class HV, foreign data wrappers
    (say.FAILED_OVER, "HV00N:FdwUnableToEstablishConnection"),
    (
        say.MISSING,
        """
        HV00P:FdwNoSchemas HV00J:FdwOptionNameNotFound HV00Q:FdwSchemaNotFound HV00R:FdwTableNotFound
        HV005:FdwColumnNameNotFound HV007:FdwInvalidColumnName HV00D:FdwInvalidOptionName
        HV00C:FdwInvalidOptionIndex
        """,
    ),
    (
        say.STUMBLED,
        """
        HV000:FdwError HV002:FdwDynamicParameterValueNeeded HV004:FdwInvalidDataType
        HV006:FdwInvalidDataTypeDescriptors HV008:FdwInvalidColumnNumber HV009:FdwInvalidUseOfNullPointer
        HV00A:FdwInvalidStringFormat HV00B:FdwInvalidHandle HV00K:FdwReplyHandle
        HV00L:FdwUnableToCreateExecution HV00M:FdwUnableToCreateReply HV010:FdwFunctionSequenceError
        HV014:FdwTooManyHandles HV021:FdwInconsistentDescriptorInformation HV024:FdwInvalidAttributeValue
        HV090:FdwInvalidStringLengthOrBufferLength HV091:FdwInvalidDescriptorFieldIdentifier
        """,
    ),
    # Class P0, PL/pgSQL
    (say.RAISED, "P0000:PlpgsqlError P0001:RaiseException"),
    (say.NO_DATA, "P0002:NoDataFound"),
    (say.IN_THE_WAY, "P0003:TooManyRows"),
    (say.WRONG_SQL, "P0004:AssertFailure"),
    # Class XX, and of 58: its own fault
    (
        say.BROKEN,
        """
        XX000:InternalError_ XX001:DataCorrupted XX002:IndexCorrupted 58P01:UndefinedFile
        58P02:DuplicateFile 58P03:FileNameTooLong
        """,
    ),
    (say.STUMBLED, "58000:SystemError 58030:IoError"),
)

BY_STATE: dict[str, Classification] = {}
_BY_NAME: dict[str, Classification] = {
    # psycopg2's bases of class 40 and of 57014
    "TransactionRollbackError": say.SERIALIZATION.because("SQLSTATE class 40"),
    "QueryCanceledError": say.TOO_SLOW.because("SQLSTATE 57014"),
}
for _meaning, _text in _ROWS:
    for _pair in _text.split():
        _state, _name = _pair.split(":")
        BY_STATE[_state] = _BY_NAME[_name] = _meaning.because(f"SQLSTATE {_state} ({_name})")

BY_CLASS: dict[str, Classification] = {
    "01": say.MISUSE,  # a warning; no driver should raise it
    "02": say.NO_DATA,
    "07": say.WRONG_SQL,  # ODBC: dynamic SQL
    "08": say.LOST,
    "0A": say.WRONG_SQL,
    "0L": say.FORBIDDEN,
    "0P": say.MISSING,
    "20": say.BAD_DATA,
    "21": say.BAD_DATA,
    "22": say.BAD_DATA,
    "23": say.IN_THE_WAY,
    "24": say.MISUSE,
    "25": say.MISUSE,
    "26": say.MISUSE,
    "27": say.IN_THE_WAY,
    "28": say.NOT_LET_IN,
    "2B": say.IN_THE_WAY,
    "2D": say.MISUSE,
    "2F": say.RAISED,
    "34": say.MISUSE,
    "38": say.RAISED,
    "39": say.RAISED,
    "3B": say.MISUSE,
    "3C": say.MISUSE,
    "3D": say.MISSING,
    "3F": say.MISSING,
    "40": say.SERIALIZATION,
    "42": say.WRONG_SQL,
    "44": say.BAD_DATA,
    "45": say.RAISED,  # the standard's class for what stored code raises
    "53": say.OUT_OF_MEMORY,
    "54": say.TOO_LARGE,
    "55": say.IN_THE_WAY,
    "57": say.FAILED_OVER,
    "58": say.STUMBLED,
    "70": say.TOO_SLOW,  # MySQL: query interrupted
    "72": say.SERIALIZATION,
    "F0": say.BAD_SETUP,
    "HV": say.STUMBLED,
    "P0": say.RAISED,
    "XX": say.BROKEN,
}
_BY_CLASS = {state: meaning.because(f"SQLSTATE class {state}") for state, meaning in BY_CLASS.items()}


def by_sqlstate(state: Any) -> Classification | None:
    """Judge a SQLSTATE; None if it is none, or of a class that says nothing."""
    if not isinstance(state, str) or len(state) != 5:
        return None
    return BY_STATE.get(state) or _BY_CLASS.get(state[:2])


def is_private(state: Any) -> bool:
    """Whether the SQLSTATE is of a class that the standard leaves to whoever writes stored code: 5 to 9, I to Z."""
    return isinstance(state, str) and len(state) == 5 and (state[0] in "56789" or "I" <= state[0] <= "Z")


def by_condition(kind: type) -> Classification | None:
    """Judge an exception class that is named after a condition, as psycopg's are."""
    for each in classes_of(kind):
        found = _BY_NAME.get(each.__name__)
        if found is not None:
            return found
    return None
