#!/usr/bin/env python3
"""Single operators against ONNX Runtime, on random inputs: types, broadcasting, empty tensors, negative axes, numbers
that are none. Through `leat model predict --tensors`.

What is known to differ: ONNX Runtime 1.32 gathers only the first text of a row.
"""
# requires: onnx onnxruntime numpy
# timeout: 1200

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import helper, numpy_helper

ROOT = Path(__file__).resolve().parents[2]
LEAT = os.environ.get("LEAT", ROOT / "build/leat")
ROUNDS = int(os.environ.get("LEAT_ROUNDS", "2"))

onnxruntime.set_default_logger_severity(4)
rng = np.random.default_rng(0)
tally = Counter()
wrong = {}
seen = []
work = tempfile.TemporaryDirectory()

DT={np.dtype('float32'):1,np.dtype('uint8'):2,np.dtype('int8'):3,np.dtype('uint16'):4,np.dtype('int16'):5,np.dtype('int32'):6,np.dtype('int64'):7,np.dtype('bool'):9,np.dtype('float64'):11,np.dtype('uint32'):12,np.dtype('uint64'):13,np.dtype('O'):8}
def arr(dt,shape,lo=-4,hi=5):
    dt=np.dtype(dt)
    if dt.kind=='f':
        a=rng.normal(size=shape)*2
        return a.astype(dt) if np.ndim(a) else np.array(a,dtype=dt)
    if dt.kind=='b': return rng.integers(0,2,shape).astype(bool)
    if dt.kind=='O': return rng.choice(np.array(["a","b","cc",""],dtype=object),shape)
    if dt.kind=='u': lo=0
    return np.asarray(rng.integers(lo,hi,shape)).astype(dt)
def case(op,ins,attrs={},opset=17,nout=1,const=()):
    names=[f"i{k}" for k in range(len(ins))]
    node=helper.make_node(op,[n if a is not None else "" for n,a in zip(names,ins)],[f"o{k}" for k in range(nout)],**attrs)
    gi=[helper.make_tensor_value_info(n,DT[a.dtype],list(a.shape)) for k,(n,a) in enumerate(zip(names,ins)) if a is not None and k not in const]
    init=[numpy_helper.from_array(a,n) for k,(n,a) in enumerate(zip(names,ins)) if a is not None and k in const]
    g=helper.make_graph([node],"g",gi,[helper.make_empty_tensor_value_info(f"o{k}") for k in range(nout)],init)
    m=helper.make_model(g,opset_imports=[helper.make_opsetid("",opset)],ir_version=8)
    feed={n:a for k,(n,a) in enumerate(zip(names,ins)) if a is not None and k not in const}
    return m,feed


def encode(value):
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, float):
        if value != value:
            return "NaN"
        if value in (float("inf"), float("-inf")):
            return "Infinity" if value > 0 else "-Infinity"
    return value


def decode(value, dtype):
    if isinstance(value, list):
        return [decode(item, dtype) for item in value]
    if dtype.kind == "f":
        return float(value)
    return int(value) if dtype.kind in "iu" else value


def run_leat(model, feed):
    path = Path(work.name) / "case.onnx"
    path.write_bytes(model.SerializeToString())
    line = json.dumps({name: encode(np.asarray(array).tolist()) for name, array in feed.items()})
    done = subprocess.run([LEAT, "model", "predict", path, "--tensors"], input=line + "\n", capture_output=True, text=True)
    return (json.loads(done.stdout), "") if done.returncode == 0 else (None, done.stderr.strip() or str(done.returncode))


def same(got, expected, rtol, atol):
    got = np.array(decode(got, expected.dtype), dtype=expected.dtype)
    if got.size == 0 or expected.size == 0:
        return got.size == expected.size
    if got.shape != expected.shape:
        return False
    if expected.dtype.kind == "f":
        return np.allclose(got, expected, rtol=rtol, atol=atol, equal_nan=True)
    return (got == expected).all()


def check(tag, op, ins, attrs={}, rtol=2e-5, atol=2e-6, **kw):
    """Compares all outputs, unless ONNX Runtime does not take the case."""
    if op not in seen:
        seen.append(op)
    if op == "Gather" and ins[0].dtype == object:
        return
    model, feed = case(op, ins, attrs, **kw)
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        expected = session.run(None, feed)
    except Exception:
        return
    got, why = run_leat(model, feed)
    what = f"{tag} {attrs} {[(i.dtype.name, i.shape) for i in ins if i is not None]}"
    if got is None:
        wrong.setdefault(op, f"{what}: {why}")
        return
    for i, array in enumerate(expected):
        tally[op] += 1
        if not same(got[f"o{i}"], array, rtol, atol):
            wrong.setdefault(op, f"{what}: {got[f'o{i}']} is not {array.tolist()}")


F=['float32','float64']; I=['int32','int64']; ALLI=['int8','int16','int32','int64','uint8','uint16','uint32','uint64']
shapes=[((3,4),(3,4)),((3,4),(4,)),((3,1),(1,4)),((2,3,4),(3,1)),((),(2,3)),((0,3),(1,3)),((2,1,3),(4,1))]
def pick(x): return x[rng.integers(len(x))]


def one_round():
    for op in "Add Sub Mul Div".split():
        dt=pick(F+ALLI); a,b=pick(shapes); y=arr(dt,b)
        if op=="Div" and np.dtype(dt).kind in "iu": y=np.where(y==0,np.array(1,y.dtype),y)
        check(dt,op,[arr(dt,a),y])
    for op in "Equal Less Greater LessOrEqual GreaterOrEqual".split():
        dt=pick(F+I+(["O","bool"] if op=="Equal" else [])); a,b=pick(shapes[:5]); check(dt,op,[arr(dt,a),arr(dt,b)],opset=19)
    for op in "Max Min Sum Mean".split():
        for dt in F:
            a,b=pick(shapes[:5]); check(dt,op,[arr(dt,a),arr(dt,b),arr(dt,a)])
    for op in "And Or Xor".split():
        a,b=pick(shapes[:5]); check("bool",op,[arr("bool",a),arr("bool",b)])
    dt=pick(F+I);dy=pick(F+I); a,b=pick(shapes[:5]); check(dt+dy,"Pow",[np.abs(arr(dt,a))+np.array(1,np.dtype(dt)),arr(dy,b) if np.dtype(dt).kind=='f' else np.abs(arr(dy,b))])
    dt=pick(I+["int8","uint8"]); y=arr(dt,(4,)); y=np.where(y==0,np.array(1,y.dtype),y); check(dt,"Mod",[arr(dt,(3,4),-20,20),y]); check(dt,"Mod",[arr('float32',(3,4)),arr('float32',(4,))],{"fmod":1})
    for op in "Neg Abs Sqrt Exp Log Floor Ceil Round Sign Reciprocal Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Erf Sigmoid Tanh Relu LeakyRelu Elu Selu Celu Softplus Softsign HardSigmoid HardSwish ThresholdedRelu IsNaN IsInf".split():
        for dt in F:
            x=arr(dt,(3,5)); x.flat[:5]=[np.nan,np.inf,-np.inf,-0.0,88.9]
            check(dt,op,[x])
    for op in "Gelu Mish".split(): check("",op,[arr('float32',(3,5))],opset=20)
    check("","PRelu",[arr('float32',(3,4)),arr('float32',(4,))])
    dt=pick(F+I); check(dt,"Clip",[arr(dt,(3,4)),np.array(-1 if dt!='u' else 0,dt),np.array(2,dt)]); check("","Clip",[arr('float32',(3,4))],{"min":-1.0,"max":.5},opset=9)
    dt=pick(F+I+["O"]); a,b=pick(shapes[:5]); check(dt,"Where",[arr('bool',a),arr(dt,b),arr(dt,a)])
    big=np.array([np.nan,np.inf,-np.inf,1e20,-1e20,3e9,-3e9,300,-300,-1.7,1.7,70000,0,2.5e9,1.9e19,128,-129],dtype=pick(F))
    for to in F+ALLI+["bool"]: check(to,"Cast",[big],{"to":DT[np.dtype(to)]})
    wi=np.array([-1,0,1,127,200,-200,70000,2**31-1],dtype=pick(["int32","int64"]))
    for to in F+ALLI+["bool"]: check(to,"Cast",[wi],{"to":DT[np.dtype(to)]})
    check("text","Cast",[np.array(["1.5","-2e3","NaN","INF","-INF","7"," 8"],dtype=object)],{"to":1})
    check("text","Cast",[np.array(["15","-2","7"," 8"],dtype=object)],{"to":7})
    check("totext","Cast",[np.array([1.5,-2,1e20,0.1,np.nan,np.inf,-np.inf,1/3],dtype=pick(F))],{"to":8},const=(0,))
    check("totext","Cast",[wi],{"to":8},const=(0,))
    check("totext","Cast",[np.array([True,False])],{"to":8},const=(0,))
    # products
    for a,b in [((3,4),(4,5)),((4,),(4,5)),((3,4),(4,)),((4,),(4,)),((2,3,4),(4,5)),((2,3,4),(2,4,5)),((2,1,3,4),(3,4,2)),((1,3,4),(5,4,2)),((3,4),(2,4,9)),((0,4),(4,3)),((3,0),(0,2)),((7,33),(33,41))]:
        dt=pick(F+I); check("",  "MatMul",[arr(dt,a),arr(dt,b)],const=(1,) if rng.integers(2) else (),rtol=1e-4,atol=1e-5)
    for ta in (0,1):
        for tb in (0,1):
            dt=pick(F); c=pick([(5,),(1,5),(3,1),(3,5),(),(1,)]); check(c,"Gemm",[arr(dt,(4,3) if ta else (3,4)),arr(dt,(5,4) if tb else (4,5)),arr(dt,c)],{"transA":ta,"transB":tb,"alpha":.5,"beta":2.},const=(1,) if rng.integers(2) else ())
    # reductions
    for op in "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare".split():
        dt=pick(F+(I if op in("ReduceSum","ReduceMax","ReduceMin","ReduceProd","ReduceSumSquare","ReduceMean") else [])); x=arr(dt,(2,3,4),1,4); x=np.abs(x)
        ax=pick([[0],[1],[2],[0,2],[-1],[0,1,2]]); k=int(rng.integers(2))
        if op=="ReduceSum": check("",op,[x,np.array(ax,dtype=np.int64)],{"keepdims":k},const=(1,))
        else: check("",op,[x],{"axes":ax,"keepdims":k},rtol=1e-4)
        check("18",op,[x,np.array(ax,dtype=np.int64)],{"keepdims":k},const=(1,),opset=18,rtol=1e-4)
    for op in("ArgMax","ArgMin"):
        for sl in(0,1): check("",op,[arr(pick(["float32","int32","float64"]),(3,4,5),0,3)],{"axis":int(rng.integers(-3,3)),"keepdims":int(rng.integers(2)),"select_last_index":sl},opset=13)
    check("","TopK",[arr(pick(F+I),(3,7),0,4),np.array([4],dtype=np.int64)],{"axis":-1,"largest":int(rng.integers(2))},nout=2,const=(1,))
    check("","TopK",[arr(pick(F+I),(6,3,2),0,4),np.array([4],dtype=np.int64)],{"axis":0,"largest":int(rng.integers(2))},nout=2,const=(1,))
    check("","CumSum",[arr(pick(F+I),(3,4)),np.array(int(rng.integers(-2,2)),dtype=np.int64)],{"exclusive":int(rng.integers(2)),"reverse":int(rng.integers(2))},const=(1,))
    for op in("Softmax","LogSoftmax","Hardmax"):
        for o in(11,13): check(o,op,[arr(pick(F) if op!="Hardmax" else "float32",(2,3,4))],{"axis":int(rng.integers(0,3))},opset=o)
    check("","LpNormalization",[arr('float32',(2,3,4))],{"axis":int(rng.integers(-3,3)),"p":int(rng.integers(1,3))})
    check("","LayerNormalization",[arr('float32',(2,3,4)),arr('float32',(4,)),arr('float32',(4,))],nout=1,rtol=1e-4)
    check("","LayerNormalization",[arr('float32',(2,3,4)),arr('float32',(3,4)),arr('float32',(3,4))],{"axis":1},rtol=1e-4)
    check("","BatchNormalization",[arr('float32',(3,4)),arr('float32',(4,)),arr('float32',(4,)),arr('float32',(4,)),np.abs(arr('float32',(4,)))+np.float32(.1)],const=(1,2,3,4) if rng.integers(2) else (),rtol=1e-4,atol=1e-5)
    check("","BatchNormalization",[arr('float32',(3,4,5)),arr('float32',(4,)),arr('float32',(4,)),arr('float32',(4,)),np.abs(arr('float32',(4,)))+np.float32(.1)],rtol=1e-4,atol=1e-5)
    check("","InstanceNormalization",[arr('float32',(2,3,8)),arr('float32',(3,)),arr('float32',(3,))],rtol=1e-4,atol=1e-5)
    check("","GroupNormalization",[arr('float32',(2,4,8)),arr('float32',(4,)),arr('float32',(4,))],{"num_groups":2},opset=21,rtol=1e-4,atol=1e-5)
    check("","MeanVarianceNormalization",[arr('float32',(2,3,4,5))],rtol=1e-3,atol=1e-5)
    # shapes
    i64=lambda *v: np.array(v,dtype=np.int64)
    dt=pick(F+I+["O","bool"])
    check(dt,"Transpose",[arr(dt,(2,3,4))],{"perm":[int(v) for v in rng.permutation(3)]})
    check(dt,"Slice",[arr(dt,(5,6)),i64(*rng.integers(-8,8,2)),i64(*rng.integers(-8,8,2)),i64(0,1),i64(pick([1,2,-1,-2]),pick([1,3,-1]))],const=(1,2,3,4))
    check(dt,"Gather",[arr(dt,(4,5)),i64(*rng.integers(-4,4,3)).reshape(3,1)],{"axis":pick([0,1])})
    check(dt,"GatherElements",[arr(dt,(4,5)),rng.integers(-4,4,(4,5))],{"axis":pick([0,1])})
    check(dt,"GatherND",[arr(dt,(4,5,2)),rng.integers(-4,4,(3,2))])
    check("","ScatterElements",[arr('float32',(4,5)),np.stack([rng.permutation(4) for _ in range(5)],1)[:2],arr('float32',(2,5))],{"axis":0})
    check("","ScatterND",[arr('float32',(4,5)),i64(2,0).reshape(2,1),arr('float32',(2,5))])
    check(dt,"Concat",[arr(dt,(2,3)),arr(dt,(2,0)),arr(dt,(2,4))],{"axis":-1})
    check(dt,"Expand",[arr(dt,(3,1)),i64(2,1,4)],const=(1,)); check(dt,"Tile",[arr(dt,(2,3)),i64(2,3)],const=(1,))
    check(dt,"Split",[arr(dt,(2,6)),i64(1,2,3)],{"axis":1},nout=3,const=(1,))
    for mode in("constant","reflect","edge"): check(mode,"Pad",[arr('float32',(3,4)),i64(*rng.integers(0,3,4)),np.array(1.5,'float32')],{"mode":mode},const=(1,))
    check("neg","Pad",[arr('float32',(3,4)),i64(-1,1,0,-2),np.array(1.5,'float32')],const=(1,)); check("old","Pad",[arr('float32',(3,4))],{"pads":[0,1,1,0],"value":3.},opset=9)
    check("","OneHot",[arr('int64',(2,3),-7,7),i64(5),arr('float32',(2,))],{"axis":pick([-1,0,1])},const=(1,))
    check("","OneHot",[arr('float32',(3,)),np.array(3.,'float32'),arr('float32',(2,))],const=(1,))
    check("","Trilu",[arr('float32',(2,4,5)),np.array(int(rng.integers(-3,4)),dtype=np.int64)],{"upper":int(rng.integers(2))},const=(1,))
    check("","Range",[np.array(1.,'float32'),np.array(7.3,'float32'),np.array(.7,'float32')],const=(0,1,2)); check("","Range",[np.array(10,'int64'),np.array(-3,'int64'),np.array(-4,'int64')],const=(0,1,2))
    check("","NonZero",[arr('int32',(3,4),0,2)],const=(0,)); check(dt,"Compress",[arr(dt,(3,4)),np.array([True,False,True])],{"axis":1},const=(1,))
    check("","Squeeze",[arr(dt,(1,3,1)),i64(0)],const=(1,)); check("","Unsqueeze",[arr(dt,(3,)),i64(0,-1)],const=(1,)); check("","Flatten",[arr(dt,(2,3,4))],{"axis":pick([0,1,2,3,-1])})
    check("","Reshape",[arr(dt,(2,3,4)),i64(0,-1)],const=(1,)); check("","EyeLike",[arr('float32',(3,4))],{"k":int(rng.integers(-4,5)),"dtype":6})


for _ in range(ROUNDS):
    one_round()
for op in seen:
    if op in wrong:
        print(f"not ok {op}: {wrong[op]}"[:1000])
    elif tally[op] == 0 and op != "Gather":
        print(f"not ok {op}: ONNX Runtime took none of its cases")
    else:
        print(f"ok {op} is as in ONNX Runtime")
sys.exit(1 if wrong else 0)
