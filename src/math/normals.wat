;; Standard normals in bulk: the common path of `Pcg64.standardNormal`, on 64-bit integers, which JavaScript lacks.
;; A draw in a hundred is not in the heart of its layer: `fill` stops before it, and JavaScript draws that one.
;;
;; Memory: bytes 0–31 the generator (state low, state high, increment low, increment high), 64–2111 the layers' widths,
;; 2112–4159 the places below which a draw is accepted (both float64), from 8192 on the normals.
(module
  (memory (export "memory") 1)

  ;; The high 64 bits of a product, from those of its 32-bit halves.
  (func $high (param $a i64) (param $b i64) (result i64)
    (local $a0 i64) (local $a1 i64) (local $b0 i64) (local $b1 i64) (local $middle i64) (local $other i64)
    (local.set $a0 (i64.and (local.get $a) (i64.const 0xffffffff)))
    (local.set $a1 (i64.shr_u (local.get $a) (i64.const 32)))
    (local.set $b0 (i64.and (local.get $b) (i64.const 0xffffffff)))
    (local.set $b1 (i64.shr_u (local.get $b) (i64.const 32)))
    (local.set $middle
      (i64.add
        (i64.mul (local.get $a1) (local.get $b0))
        (i64.shr_u (i64.mul (local.get $a0) (local.get $b0)) (i64.const 32))))
    (local.set $other
      (i64.add
        (i64.mul (local.get $a0) (local.get $b1))
        (i64.and (local.get $middle) (i64.const 0xffffffff))))
    (i64.add
      (i64.mul (local.get $a1) (local.get $b1))
      (i64.add
        (i64.shr_u (local.get $middle) (i64.const 32))
        (i64.shr_u (local.get $other) (i64.const 32)))))

  ;; Draws up to `count` normals; returns how many. The generator stands after the last of them.
  (func (export "fill") (param $count i32) (result i32)
    (local $low i64) (local $high i64) (local $next_low i64) (local $next_high i64)
    (local $bits i64) (local $layer i32) (local $place f64) (local $x f64) (local $done i32)
    (local.set $low (i64.load (i32.const 0)))
    (local.set $high (i64.load (i32.const 8)))
    (block $end
      (loop $draw
        (br_if $end (i32.ge_u (local.get $done) (local.get $count)))
        ;; state ← state · multiplier + increment, modulo 2¹²⁸.
        (local.set $next_low
          (i64.add (i64.mul (local.get $low) (i64.const 0x4385df649fccf645)) (i64.load (i32.const 16))))
        (local.set $next_high
          (i64.add
            (i64.add
              (call $high (local.get $low) (i64.const 0x4385df649fccf645))
              (i64.mul (local.get $low) (i64.const 0x2360ed051fc65da4)))
            (i64.add
              (i64.add (i64.mul (local.get $high) (i64.const 0x4385df649fccf645)) (i64.load (i32.const 24)))
              ;; The carry of the low half.
              (i64.extend_i32_u (i64.lt_u (local.get $next_low) (i64.load (i32.const 16)))))))
        (local.set $bits
          (i64.rotr
            (i64.xor (local.get $next_high) (local.get $next_low))
            (i64.shr_u (local.get $next_high) (i64.const 58))))
        ;; From the lowest bit up: 8 bits choose the layer, 1 the sign, 52 the place.
        (local.set $layer (i32.shl (i32.and (i32.wrap_i64 (local.get $bits)) (i32.const 0xff)) (i32.const 3)))
        (local.set $place
          (f64.convert_i64_u
            (i64.and (i64.shr_u (local.get $bits) (i64.const 9)) (i64.const 0xfffffffffffff))))
        (br_if $end
          (i32.eqz (f64.lt (local.get $place) (f64.load offset=2112 (local.get $layer)))))
        (local.set $x (f64.mul (local.get $place) (f64.load offset=64 (local.get $layer))))
        (if (i64.ne (i64.and (local.get $bits) (i64.const 0x100)) (i64.const 0))
          (then (local.set $x (f64.neg (local.get $x)))))
        (f64.store offset=8192 (i32.shl (local.get $done) (i32.const 3)) (local.get $x))
        (local.set $low (local.get $next_low))
        (local.set $high (local.get $next_high))
        (local.set $done (i32.add (local.get $done) (i32.const 1)))
        (br $draw)))
    (i64.store (i32.const 0) (local.get $low))
    (i64.store (i32.const 8) (local.get $high))
    (local.get $done))
)
