"""The ring and the two beetles in it, as MuJoCo's MJCF text."""

from __future__ import annotations

SIDES = ("red", "blue")
COLORS = {"red": "0.75 0.25 0.17 1", "blue": "0.17 0.42 0.66 1"}
EYE = 'mass="0" contype="0" conaffinity="0" rgba="0.98 0.95 0.84 1"'
JOINTS = ("left_hip", "left_knee", "right_hip", "right_knee", "horn")
"""Of a beetle, each with an actuator that drives it to an angle."""

WORLD = """
<mujoco model="sumo">
  <compiler angle="radian" autolimits="true"/>
  <option timestep="0.01" integrator="implicitfast" iterations="6" ls_iterations="8" cone="pyramidal"/>
  <default>
    <geom condim="3" friction="0.2 0.005 0.0001" solref="0.02 1"/>
    <joint type="hinge" armature="0.01" damping="0.1"/>
    <position kp="8" forcerange="-4 4"/>
  </default>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 0.1" contype="1" conaffinity="0" friction="0 0 0"/>
    {bodies}
  </worldbody>
  <actuator>{actuators}</actuator>
  <sensor><contact name="touch" subtree1="red" subtree2="blue" data="found"/></sensor>
</mujoco>
"""

BEETLE = """
    <body name="{side}" pos="0 0 0.1">
      <freejoint/>
      <geom type="capsule" fromto="-0.17 0.055 0 0.08 0.055 0" size="0.085" mass="0.6" {shell}/>
      <geom type="capsule" fromto="-0.17 -0.055 0 0.08 -0.055 0" size="0.085" mass="0.6" {shell}/>
      <geom type="sphere" pos="0.16 0 0" size="0.07" mass="0.2" {shell}/>
      <geom type="sphere" pos="0.2 0.04 0.045" size="0.024" {eye}/>
      <geom type="sphere" pos="0.2 -0.04 0.045" size="0.024" {eye}/>
      <body pos="0.2 0 0">
        <joint name="{side}_horn" axis="0 -1 0" range="-0.5 1"/>
        <geom type="capsule" fromto="0 0 0 0.16 0 0" size="0.022" mass="0.08" {limb}/>
        <geom type="capsule" fromto="0.16 0 0 0.21 0 0.05" size="0.018" mass="0.02" {limb}/>
      </body>
      {legs}
    </body>
"""

LEG = """
      <body pos="0.03 {y:.2f} 0.02">
        <joint name="{side}_{leg}_hip" axis="0 0 {turn}" range="-0.8 0.8"/>
        <geom type="capsule" fromto="0 0 0 0 {femur:.2f} 0.07" size="0.028" mass="0.1" {upper}/>
        <body pos="0 {femur:.2f} 0.07">
          <joint name="{side}_{leg}_knee" axis="{bend} 0 0" range="-0.7 0.7"/>
          <geom type="capsule" fromto="0 0 0 0 {tibia:.2f} -0.17" size="0.024" mass="0.08" {foot}/>
        </body>
      </body>
"""


def write_world() -> str:
    """The MJCF text of the ring with a red and a blue beetle."""
    bodies, actuators = [], []
    for number, side in enumerate(SIDES):
        mine, others = 2 << number, 4 >> number
        collides = f'contype="{mine}" conaffinity="{1 | others}"'
        upper = f'contype="{mine}" conaffinity="{others}"'
        color = f'rgba="{COLORS[side]}"'
        legs = "".join(
            LEG.format(
                side=side, leg=leg, y=0.12 * sign, femur=0.13 * sign, tibia=0.08 * sign, turn=-sign, bend=-sign,
                upper=f"{upper} {color}", foot=f'{collides} friction="1.5 0.005 0.0001" {color}',
            )
            for leg, sign in (("left", 1), ("right", -1))
        )  # fmt: skip
        bodies.append(
            BEETLE.format(side=side, legs=legs, eye=EYE, shell=f"{collides} {color}", limb=f"{collides} {color}")
        )
        actuators += [f'<position joint="{side}_{joint}"/>' for joint in JOINTS]
    return WORLD.format(bodies="".join(bodies), actuators="".join(actuators))
