"""What the code of a method may name: modules with their names, built-in functions, and attributes.

A name that is missing here is no judgement of it: nobody has needed it yet. Lists hold names that compute with
numbers, and none that reaches files, other objects' insides or the interpreter.
"""

from methods import __all__ as PUBLIC

TENSORS = """
abs acos add addmm all allclose amax amin any arange argmax argmin argsort asin atan atan2 atleast_1d atleast_2d
bincount block_diag bmm bool broadcast_to bucketize cat cdist ceil chunk clamp clip clone complex64 complex128 cos
cosh count_nonzero cov cross cummax cummin cumprod cumsum diag diag_embed diagonal diff div dot double dtype device
einsum empty empty_like eq equal erf erfc erfinv exp expm1 eye finfo flatten flip float float16 float32 float64
bfloat16 floor fmax fmin frac from_numpy full full_like gather ge Generator Size ger gt hypot iinfo index_select inf int
int8 int16 int32 int64 inner isclose isfinite isinf isnan kron kthvalue le lerp lgamma linspace log log10 log1p log2
logaddexp logcumsumexp logical_and logical_not logical_or logical_xor logsumexp lt masked_select matmul max maximum
mean median meshgrid min minimum mm movedim mul multinomial mv nan nan_to_num nanmean nanmedian nanquantile nansum ne
neg negative no_grad nonzero norm normal numel ones ones_like outer permute pi polygamma pow prod promote_types
quantile rand randint randn randperm reciprocal relu repeat_interleave reshape roll round rsqrt scatter scatter_add
searchsorted sigmoid sign sin sinh softmax sort split sqrt square squeeze stack std std_mean sub sum swapaxes take tan
tanh tensor Tensor tensordot tile topk trace transpose trapezoid tril triu trunc unbind unique unsqueeze var var_mean
vdot where xlogy zeros zeros_like
"""
LINEAR_ALGEBRA = """
cholesky cross det eigh eigvalsh inv lstsq matmul matrix_norm matrix_rank multi_dot norm pinv qr slogdet solve
solve_triangular svd svdvals vector_norm
"""
ARRAYS = """
abs all any arange argmax argmin argsort array asarray clip concatenate cumsum diag dot dtype einsum exp expm1 eye
finfo flatnonzero float32 float64 full full_like inf int64 isfinite isinf isnan ix_ linspace log log1p max maximum
mean median min minimum nan nonzero ones ones_like outer prod sign sort sqrt stack std sum triu where zeros zeros_like
"""
ARRAY_ALGEBRA = "LinAlgError cholesky det eigh eigvalsh inv lstsq norm pinv qr solve svd"
NUMBERS = """
acos asin atan atan2 ceil comb copysign cos cosh e erf exp expm1 fabs factorial floor fmod fsum gamma gcd hypot inf
isclose isfinite isinf isnan isqrt ldexp lgamma log log10 log1p log2 nan perm pi pow prod sin sinh sqrt tan tanh trunc
"""

MODULES: dict[str, frozenset[str]] = {
    name: frozenset(names.split())
    for name, names in {
        "math": NUMBERS,
        "torch": TENSORS,
        "torch.linalg": LINEAR_ALGEBRA,
        "torch.nn.functional": "cosine_similarity log_softmax normalize one_hot relu sigmoid softmax softplus tanh",
        "numpy": ARRAYS,
        "numpy.linalg": ARRAY_ALGEBRA,
        "numpy.typing": "ArrayLike NDArray",
        "typing": "Any ClassVar Final Literal NamedTuple Protocol Self TypeVar cast override",
        "collections": "Counter defaultdict deque",
        "collections.abc": "Callable Collection Iterable Iterator Mapping Sequence",
        "dataclasses": "dataclass field replace",
        "functools": "partial reduce",
        "itertools": "accumulate chain combinations count cycle islice pairwise permutations product repeat",
        "pydantic": "field_validator model_validator",
        "methods": " ".join(PUBLIC),
        "bench.errors": "RunFailed UserError",
    }.items()
}
"""Names that a method may use of each module."""

_BUILTINS = """
abs all any bool classmethod dict divmod enumerate filter float frozenset int isinstance len list map max min next
object pow property range repr reversed round set slice sorted staticmethod str sum super tuple zip ArithmeticError
AssertionError IndexError KeyError NotImplementedError OverflowError RuntimeError StopIteration ValueError
ZeroDivisionError True False None
"""
BUILTINS = frozenset(_BUILTINS.split())
"""Built-in names that a method may use; `type` is allowed as `type(self)` and in annotations."""

_SPECIAL = """
__init__ __post_init__ __len__ __call__ __iter__ __getitem__ __add__ __mul__ __sub__ __eq__ __str__
"""
SPECIAL = frozenset(_SPECIAL.split())
"""Special methods that a class may define; none of them changes how other objects behave."""

_INSIDES = """
ag_frame as_strided as_strided_ backward base cr_await cr_frame ctypes data_ptr dump dumps f_back f_builtins f_code
f_globals f_locals format format_map fromfile func_globals gi_code gi_frame gi_yieldfrom grad grad_fn mro
register_hook register_post_accumulate_grad_hook requires_grad_ resize_ retain_grad set_ share_memory_ storage
tb_frame tb_next tofile untyped_storage
"""
INSIDES = frozenset(_INSIDES.split())
"""Attributes that lead from a value to the interpreter, to files, or to memory beside the value."""
